// Shows the OpenAPI document of this node and asks its operations. Everything comes from this node; texts are set as
// text, never as markup.
const at = id => document.getElementById(id);

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter(child => child !== undefined && child !== null));
  return element;
}

/** A schema with its references followed, as an example of what it describes. */
function example(schema, all, depth = 0) {
  if (!schema || depth > 8) return null;
  if (schema.$ref) return example(all[schema.$ref.split("/").pop()], all, depth + 1);
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map(part => example(part, all, depth + 1)));
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice) return example(choice.find(part => part.type !== "null") ?? choice[0], all, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type.find(name => name !== "null") : schema.type;
  if (type === "array") return [example(schema.items, all, depth + 1)];
  if (type === "object") {
    const fields = Object.entries(schema.properties ?? {});
    return Object.fromEntries(fields.map(([name, field]) => [name, example(field, all, depth + 1)]));
  }
  return { string: "", integer: 0, number: 0, boolean: false }[type] ?? null;
}

const pretty = value => JSON.stringify(value, null, 2);

function parameter(each) {
  const input = make("input", { name: each.name, "data-in": each.in, autocomplete: "off", spellcheck: "false" });
  if (each.required) input.required = true;
  const words = each.description ?? each.schema?.description;
  return make("label", {}, `${each.name}${each.required ? "" : " (optional)"}`, input, words && make("small", {}, words));
}

/** The parts of an operation that a person fills in, and what asks it. */
function form(path, method, operation, all) {
  const content = Object.values(operation.requestBody?.content ?? {})[0];
  const body = content && make("textarea", { "aria-label": "Body", spellcheck: "false" });
  if (body) body.value = pretty(example(content.schema, all));
  const output = make("pre", { tabindex: "0", hidden: "" });
  const fields = make("form", {}, ...(operation.parameters ?? []).map(parameter), body, make("p", {}, make("button", {}, "Ask")));
  fields.addEventListener("submit", async event => {
    event.preventDefault();
    let target = path;
    const query = new URLSearchParams();
    for (const input of fields.querySelectorAll("input")) {
      const { in: where } = input.dataset;
      if (where === "path") target = target.replace(`{${input.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.append(input.name, input.value);
    }
    if (query.size) target += `?${query}`;
    output.hidden = false;
    output.textContent = "…";
    try {
      const headers = body ? { "Content-Type": "application/json" } : {};
      const reply = await fetch(target, { method: method.toUpperCase(), headers, body: body?.value });
      const text = await reply.text();
      let shown = text;
      try { shown = pretty(JSON.parse(text)); } catch { /* not JSON: shown as it is */ }
      output.textContent = `${method.toUpperCase()} ${target}\n${reply.status}\n\n${shown}`;
    } catch (error) {
      output.textContent = `The node does not answer: ${error.message}`;
    }
  });
  return [fields, output];
}

function answers(operation, all) {
  return Object.entries(operation.responses).flatMap(([status, response]) => {
    const [kind, content] = Object.entries(response.content ?? {})[0] ?? [];
    const shown = content?.schema && kind.includes("json") ? make("pre", { tabindex: "0" }, pretty(example(content.schema, all))) : undefined;
    return [make("p", {}, make("strong", {}, status), ` ${response.description ?? ""} ${kind ?? ""}`), shown];
  });
}

function show(path, method, operation, all) {
  const stream = Object.keys(operation.responses["200"]?.content ?? {})[0] === "text/event-stream";
  return make(
    "details", { id: operation.operationId },
    make("summary", {}, make("code", {}, make("span", { class: "method" }, method.toUpperCase()), path), " ", make("span", {}, operation.summary ?? "")),
    make(
      "div", { class: "body" },
      operation.description && make("p", {}, operation.description),
      ...(stream ? [] : form(path, method, operation, all)),
      make("h3", {}, "Answers"),
      ...answers(operation, all),
    ),
  );
}

try {
  const api = await (await fetch("/v1/openapi.json")).json();
  const all = api.components?.schemas ?? {};
  document.title = at("title").textContent = `${api.info.title} ${api.info.version}`;
  at("about").textContent = api.info.description ?? "";
  at("operations").replaceChildren();
  for (const tag of api.tags) {
    const here = Object.entries(api.paths).flatMap(([path, item]) =>
      Object.entries(item).filter(([, operation]) => operation.tags?.includes(tag.name)).map(([method, operation]) => show(path, method, operation, all)));
    if (!here.length) continue;
    at("tags").append(make("a", { href: `#${tag.name}` }, tag.name));
    at("operations").append(make("section", { id: tag.name }, make("h2", {}, tag.description ?? tag.name), ...here));
  }
} catch (error) {
  at("operations").replaceChildren(make("p", {}, `The document cannot be read: ${error.message}`));
}
