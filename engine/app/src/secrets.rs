//! The site's own key: what binds the log, and closes what must be read again but by nobody else.
//!
//! It lies beside the database, in a file of its own, so that whoever holds only the database can neither forge a line
//! of the log nor read a second factor.
//!
//! **Not here:** passwords and tokens, of which only hashes are kept (`accounts`).

use std::{io::Write, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::AppError;

/// The file in the site's folder.
pub const FILE: &str = "site.key";
const NONCE: usize = 24;

/// A site's key.
#[derive(Clone)]
pub struct Secrets(Arc<[u8; 32]>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

fn unavailable(path: &Path, error: &std::io::Error) -> AppError {
    AppError::Unavailable { detail: format!("{}: {error}", path.display()) }
}

impl Secrets {
    /// The key of the site in a folder; made where there is none.
    pub fn open(folder: &Path) -> Result<Self, AppError> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::read(&text).ok_or_else(|| AppError::Unavailable { detail: format!("{} holds no key of a site; put the right one back, from a backup", path.display()) }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(unavailable(&path, &error)),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        Some(Self(Arc::new(bytes.try_into().ok()?)))
    }

    /// Another key, such as one that lines of the log were sealed with before.
    pub fn from_file(path: &Path) -> Result<Self, AppError> {
        let text = std::fs::read_to_string(path).map_err(|error| unavailable(path, &error))?;
        Self::read(&text).ok_or_else(|| AppError::malformed("bad_key_file", format!("{} holds no key of a site", path.display())))
    }

    fn make(path: &Path) -> Result<Self, AppError> {
        let key: [u8; 32] = rand::random();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(mut file) => {
                let written = writeln!(file, "{}", URL_SAFE_NO_PAD.encode(key)).and_then(|()| file.sync_all());
                written.map_err(|error| unavailable(path, &error))?;
                Ok(Self(Arc::new(key)))
            }
            // Another process was quicker.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let text = std::fs::read_to_string(path).map_err(|error| unavailable(path, &error))?;
                Self::read(&text).ok_or_else(|| AppError::Unavailable { detail: format!("{} is being written; start again", path.display()) })
            }
            Err(error) => Err(unavailable(path, &error)),
        }
    }

    /// By which a key is known; says nothing about it.
    pub fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(&Sha256::digest(self.derive("name"))[..9])
    }

    /// A key of its own for each use.
    fn derive(&self, purpose: &str) -> [u8; 32] {
        self.tag(purpose.as_bytes())
    }

    fn tag(&self, bytes: &[u8]) -> [u8; 32] {
        tag(&self.0[..], bytes)
    }

    /// What only whoever has the key can say of these bytes.
    pub fn mac(&self, purpose: &str, bytes: &[u8]) -> Vec<u8> {
        tag(&self.derive(purpose), bytes).to_vec()
    }

    /// Closes a text, for one purpose and one owner: elsewhere it does not open.
    pub fn seal(&self, purpose: &str, owner: &[u8], text: &str) -> Result<String, AppError> {
        Ok(URL_SAFE_NO_PAD.encode(self.seal_bytes(purpose, owner, text.as_bytes())?))
    }

    /// The same of bytes.
    pub fn seal_bytes(&self, purpose: &str, owner: &[u8], bytes: &[u8]) -> Result<Vec<u8>, AppError> {
        let nonce: [u8; NONCE] = rand::random();
        let cipher = XChaCha20Poly1305::new(&self.derive(purpose).into());
        let closed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: bytes, aad: owner });
        let closed = closed.map_err(|error| AppError::Internal(error.to_string()))?;
        Ok([&nonce[..], &closed].concat())
    }

    /// Opens what was closed; nothing where it was closed with another key, for another purpose or owner, or changed.
    pub fn open_sealed(&self, purpose: &str, owner: &[u8], sealed: &str) -> Option<String> {
        String::from_utf8(self.open_bytes(purpose, owner, &URL_SAFE_NO_PAD.decode(sealed).ok()?)?).ok()
    }

    /// The same of bytes.
    pub fn open_bytes(&self, purpose: &str, owner: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, closed) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let cipher = XChaCha20Poly1305::new(&self.derive(purpose).into());
        cipher.decrypt(&XNonce::from(nonce), Payload { msg: closed, aad: owner }).ok()
    }
}

fn tag(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    // A key of any length is taken; there is no other way to fail.
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).map(|mac| mac.chain_update(bytes).finalize().into_bytes().into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_opens_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mine, again) = (Secrets::open(folder.path()).expect("made"), Secrets::open(folder.path()).expect("read"));
        let sealed = mine.seal("second", b"anna", "SECRET").expect("sealed");
        assert!(!sealed.contains("SECRET"));
        assert_eq!(again.open_sealed("second", b"anna", &sealed).as_deref(), Some("SECRET"));
        assert_eq!(again.open_sealed("second", b"bert", &sealed), None);
        assert_eq!(again.open_sealed("mail", b"anna", &sealed), None);
        let other = Secrets::open(tempfile::tempdir().expect("a folder").path()).expect("made");
        assert_eq!(other.open_sealed("second", b"anna", &sealed), None);
        assert_ne!(mine.mac("log", b"line"), other.mac("log", b"line"));
        assert_eq!(mine.name(), again.name());
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), "short").expect("written");
        assert!(Secrets::open(folder.path()).is_err());
    }
}
