// An address that leads nowhere.

import { Title } from "../parts/layout.tsx";
import { words } from "../words/index.ts";

export function LostPage() {
  const t = words.value.lost;
  return (
    <>
      <Title>{t.title}</Title>
      <p>{t.text}</p>
      <p>
        <a class="button" href="#/">
          {words.value.nav.overview}
        </a>
      </p>
    </>
  );
}
