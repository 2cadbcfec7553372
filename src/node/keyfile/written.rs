//! How a key file is written: JSON with exactly these fields, each in exactly one form.
//!
//! Reading writes it again and compares, so that no second form is ever taken for the same file.

use ledger::{Address, PublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Cost, KeyFile, KeyFileError, TAG, VERSION};
use crate::secret::KEY_BYTES;

pub const KDF: &str = "argon2id";
pub const CIPHER: &str = "xchacha20poly1305";
/// What may stand behind a key: nothing, or what 12, 15, 18, 21 or 24 words stand for.
const ENTROPY_BYTES: [usize; 6] = [0, 16, 20, 24, 28, 32];
/// Enough to see an accident; nobody is kept out by it.
const CHECKSUM_BYTES: usize = 8;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    barreleye_key: u32,
    address: String,
    public_key: String,
    kdf: Kdf,
    cipher: Cipher,
    sealed: String,
    checksum: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    salt: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
}

impl KeyFile {
    /// Reads the text of a key file. Whether a passphrase fits is known only by [`KeyFile::open`].
    pub fn from_json(text: &str) -> Result<Self, KeyFileError> {
        let value: Value = serde_json::from_str(text).map_err(|error| match error.is_eof() {
            true => KeyFileError::Damaged("it ends too early".into()),
            false => KeyFileError::NotOne(error.to_string()),
        })?;
        match value.get("barreleye_key").map(Value::as_u64) {
            Some(Some(version)) if version == u64::from(VERSION) => {}
            Some(Some(version)) if version > u64::from(VERSION) => return Err(KeyFileError::Newer(version)),
            Some(_) => return Err(KeyFileError::NotOne("barreleye_key is no version".into())),
            None => return Err(KeyFileError::NotOne("it has no barreleye_key".into())),
        }
        let unknown = |place: &str, known: &str| {
            let name = value.pointer(place).and_then(Value::as_str);
            name.filter(|name| *name != known).map(|name| KeyFileError::Unknown(name.into()))
        };
        if let Some(error) = unknown("/kdf/name", KDF).or_else(|| unknown("/cipher/name", CIPHER)) {
            return Err(error);
        }
        // From the text, not from the value: that would take the last of two fields with one name.
        let written: Written = serde_json::from_str(text).map_err(|error| KeyFileError::Damaged(error.to_string()))?;
        written.check()
    }

    /// The text of a key file.
    pub fn to_json(&self) -> Result<String, KeyFileError> {
        let text = serde_json::to_string_pretty(&Written::from(self));
        text.map(|text| text + "\n").map_err(|error| KeyFileError::Machine(error.to_string()))
    }
}

impl Written {
    fn check(&self) -> Result<KeyFile, KeyFileError> {
        let damaged =
            |field: &str, error: &dyn ToString| KeyFileError::Damaged(format!("{field}: {}", error.to_string()));
        let Kdf { memory_kib, passes, lanes, .. } = self.kdf;
        let cost = Cost { memory_kib, passes, lanes };
        if !cost.is_sane() {
            return Err(KeyFileError::Work(cost));
        }
        let address: Address = self.address.parse().map_err(|error| damaged("address", &error))?;
        let public_key: PublicKey = self.public_key.parse().map_err(|error| damaged("public_key", &error))?;
        let mut file = KeyFile { address, public_key, cost, salt: [0; 32], nonce: [0; 24], sealed: Vec::new() };
        hex::decode_to_slice(&self.kdf.salt, &mut file.salt).map_err(|error| damaged("salt", &error))?;
        hex::decode_to_slice(&self.cipher.nonce, &mut file.nonce).map_err(|error| damaged("nonce", &error))?;
        file.sealed = hex::decode(&self.sealed).map_err(|error| damaged("sealed", &error))?;
        let right = Self::from(&file);
        if right.checksum != self.checksum {
            return Err(KeyFileError::Damaged("the checksum does not match".into()));
        }
        if right != *self {
            return Err(KeyFileError::Damaged("it is not written the way a key file is".into()));
        }
        if !ENTROPY_BYTES.iter().any(|entropy| KEY_BYTES + entropy + TAG == file.sealed.len()) {
            return Err(KeyFileError::Damaged(format!("{} bytes are sealed", file.sealed.len())));
        }
        match public_key.address() {
            Ok(its) if its == address => Ok(file),
            Ok(_) => Err(KeyFileError::Damaged("the address is not that of the public key".into())),
            Err(error) => Err(damaged("public_key", &error)),
        }
    }

    fn checksum(header: &str, sealed: &str) -> String {
        hex::encode(&Sha256::digest(format!("{header} {sealed}"))[..CHECKSUM_BYTES])
    }
}

impl From<&KeyFile> for Written {
    fn from(file: &KeyFile) -> Self {
        let Cost { memory_kib, passes, lanes } = file.cost;
        let sealed = hex::encode(&file.sealed);
        Self {
            barreleye_key: VERSION,
            address: file.address.to_string(),
            public_key: file.public_key.to_string(),
            kdf: Kdf { name: KDF.into(), salt: hex::encode(file.salt), memory_kib, passes, lanes },
            cipher: Cipher { name: CIPHER.into(), nonce: hex::encode(file.nonce) },
            checksum: Self::checksum(&file.header(), &sealed),
            sealed,
        }
    }
}
