//! The keys that sign access tokens (Ed25519, RFC 8037): created at the first start, two live at a time, published as a JWK set.
//!
//! The *next* key is published a whole period before it signs anything, so that a client that caches the set never sees an unknown key.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::EditorialError;
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::secret;
use crate::store::rows::signing_key;
use crate::store::{self, Store};

pub const ACCESS_SECONDS: i64 = 15 * 60;
pub const AUDIENCE: &str = "insights-api";
/// How long a key signs.
const ROTATION_SECONDS: i64 = 30 * 24 * 60 * 60;
/// An unknown key id reloads the keys at most this often.
const RELOAD_INTERVAL_SECONDS: i64 = 10;
/// How far `nbf` may be in the future: clocks of nodes differ.
const CLOCK_SKEW_SECONDS: i64 = 5;

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: Uuid,
    /// The session; when it ends, the token is invalid.
    pub sid: Uuid,
    pub jti: Uuid,
    pub scope: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
}

/// The keys in memory, reloaded from the database when a token names an unknown one.
#[derive(Clone)]
pub struct KeyRing {
    issuer: String,
    keys: Arc<RwLock<Loaded>>,
}

#[derive(Default)]
struct Loaded {
    keys: Vec<signing_key::Model>,
    at: Option<Timestamp>,
}

/// One public key, as RFC 7517 and RFC 8037 write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub kid: String,
    pub x: String,
}

impl KeyRing {
    /// Loads the keys, and creates missing ones.
    pub async fn open(store: &Store, issuer: String, now: Timestamp) -> Result<Self, EditorialError> {
        let ring = Self { issuer, keys: Arc::default() };
        ring.rotate(store, now).await?;
        Ok(ring)
    }

    /// Ensures that one key signs and the next one is published; deletes keys whose last tokens have expired.
    pub async fn rotate(&self, store: &Store, now: Timestamp) -> Result<(), EditorialError> {
        let keys = store::keys::list(store.reader()).await?;
        if !keys.iter().any(|key| key.signs_from > now.0) {
            let txn = store.begin().await?;
            store::keys::lock(&txn).await?;
            let mut keys = store::keys::list(&txn).await?;
            if !keys.iter().any(|key| key.signs_from <= now.0) {
                let first = new_key(now, now)?;
                store::keys::insert(&txn, first.clone()).await?;
                keys.push(first);
            }
            if !keys.iter().any(|key| key.signs_from > now.0) {
                let next_signs_from = now.plus_seconds(ROTATION_SECONDS);
                // A key verifies until its last token expires.
                for key in keys.iter().filter(|key| key.verifies_until.is_none()) {
                    store::keys::retire(&txn, &key.kid, next_signs_from.plus_seconds(ACCESS_SECONDS)).await?;
                }
                store::keys::insert(&txn, new_key(now, next_signs_from)?).await?;
            }
            store::keys::delete_expired(&txn, now).await?;
            store.commit_quietly(txn).await?;
        }
        self.reload(store, now).await
    }

    /// The public keys of all keys that may have signed a valid token, or will sign.
    #[must_use]
    pub fn public_keys(&self, now: Timestamp) -> Vec<PublicKey> {
        let loaded = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        loaded
            .keys
            .iter()
            .filter(|key| key.verifies_until.is_none_or(|until| until > now.0))
            .map(|key| PublicKey { kid: key.kid.clone(), x: URL_SAFE_NO_PAD.encode(&key.public_key) })
            .collect()
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// When there is no key to sign with.
    pub fn sign(&self, user: Uuid, session: Uuid, scope: String, now: Timestamp) -> Result<String, EditorialError> {
        let issued = now.seconds();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            jti: new_id(now),
            scope,
            iat: issued,
            nbf: issued,
            exp: issued + ACCESS_SECONDS,
        };
        let loaded = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = loaded.keys.iter().rfind(|key| key.signs_from <= now.0).ok_or(EditorialError::Internal("no signing key"))?;
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&key.private_key))
            .map_err(|_e| EditorialError::Internal("a token could not be signed"))
    }

    /// Verifies an access token of this service and returns its claims. The caller checks the session.
    ///
    /// # Errors
    /// The database's, when an unknown key id reloads the keys.
    pub async fn verify(&self, store: &Store, token: &str, now: Timestamp) -> Result<Option<Claims>, EditorialError> {
        let Some(kid) = jsonwebtoken::decode_header(token).ok().and_then(|header| header.kid) else { return Ok(None) };
        if self.public_key(&kid, now).is_none() && self.may_reload(now) {
            self.reload(store, now).await?;
        }
        let Some(public_key) = self.public_key(&kid, now) else { return Ok(None) };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Times are checked below, with the service's clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let x = URL_SAFE_NO_PAD.encode(public_key);
        let decoded = DecodingKey::from_ed_components(&x).and_then(|key| jsonwebtoken::decode::<Claims>(token, &key, &validation));
        Ok(decoded
            .ok()
            .map(|data| data.claims)
            .filter(|claims| claims.exp > now.seconds() && claims.nbf <= now.seconds() + CLOCK_SKEW_SECONDS))
    }

    fn public_key(&self, kid: &str, now: Timestamp) -> Option<Vec<u8>> {
        let loaded = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        loaded
            .keys
            .iter()
            .find(|key| key.kid == kid && key.verifies_until.is_none_or(|until| until > now.0))
            .map(|key| key.public_key.clone())
    }

    fn may_reload(&self, now: Timestamp) -> bool {
        let loaded = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        loaded.at.is_none_or(|at| at.plus_seconds(RELOAD_INTERVAL_SECONDS) < now)
    }

    async fn reload(&self, store: &Store, now: Timestamp) -> Result<(), EditorialError> {
        let keys = store::keys::list(store.reader()).await?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Loaded { keys, at: Some(now) };
        Ok(())
    }
}

fn new_key(now: Timestamp, signs_from: Timestamp) -> Result<signing_key::Model, EditorialError> {
    let pair = Ed25519KeyPair::generate().map_err(|_e| EditorialError::Internal("a key could not be generated"))?;
    let private_key = pair.to_pkcs8v1().map_err(|_e| EditorialError::Internal("a key could not be encoded"))?.as_ref().to_vec();
    let public_key = pair.public_key().as_ref().to_vec();
    let kid = secret::hex(&secret::sha256(&public_key)[..8]);
    Ok(signing_key::Model { kid, private_key, public_key, created_at: now.0, signs_from: signs_from.0, verifies_until: None })
}
