//! The kinds of problem: a stable code, its status, its title, and what a reader of its page should do.

macro_rules! codes {
    ($($variant:ident $code:literal $status:literal $title:literal $help:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemCode {
            $($variant),*
        }

        impl ProblemCode {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// What to do about it, for the page behind the `type` address.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help),* }
            }
        }
    };
}

codes! {
    MalformedBody "malformed-body" 400 "The body cannot be read"
        "The body is not well-formed JSON (or, where forms are taken, not a well-formed form). Nothing was changed. Send it again with the syntax mended; the detail says where it broke.";
    UnknownParameter "unknown-parameter" 400 "A parameter is not known"
        "Query parameters that are not known are refused, so that a typing error does not silently change an answer. The members parameter and allowed name the one that was sent and those that exist.";
    InvalidParameter "invalid-parameter" 400 "A parameter has a value that is not allowed"
        "The member parameter names it, and the detail says which values it takes.";
    InvalidCursor "invalid-cursor" 400 "The cursor does not belong to this list"
        "A cursor is opaque, and good only for the list it came from: the same filters and the same sort. Follow the next and prev links, or begin again without a cursor.";
    Unauthenticated "unauthenticated" 401 "No valid token was shown"
        "Send Authorization: Bearer with an access token from POST /v1/auth/token, or with a machine token. The token that was sent, if any, is unknown, expired or revoked.";
    InsufficientScope "insufficient-scope" 403 "The token does not reach this far"
        "The token is valid, but it lacks the scope in the member required_scope, or the thing belongs to somebody else.";
    NotFound "not-found" 404 "Not found"
        "There is nothing at this address, or nothing that you may see: the two cannot be told apart.";
    MethodNotAllowed "method-not-allowed" 405 "The method is not allowed here"
        "The Allow header lists the methods that this address takes.";
    NotAcceptable "not-acceptable" 406 "None of the accepted media types exists"
        "The member accepted lists the media types in which this resource can be had.";
    RequestTimeout "request-timeout" 408 "The body did not arrive in time"
        "The connection stalled while the body was being sent. Nothing was changed; send the request again.";
    SlugTaken "slug-taken" 409 "The slug is taken"
        "A slug that is given explicitly must be free. The member suggestions lists free ones. Leave the slug out to have one derived from the title.";
    IdempotencyInProgress "idempotency-in-progress" 409 "The first request with this key is still being answered"
        "Another request with the same Idempotency-Key is being worked on. Wait as many seconds as Retry-After says and repeat the request with the same key: you get the first one's answer.";
    InUse "in-use" 409 "It is in use"
        "It cannot be removed while something depends on it. Change what uses it first.";
    StaleRevision "stale-revision" 412 "It was changed since you read it"
        "Your If-Match names an older state. Read the resource again, apply your change to what you get, and send the new ETag. The members current_etag and changed_fields say what is there now and what differs. If-Match: * overrides, and overwrites what others wrote.";
    PayloadTooLarge "payload-too-large" 413 "The body is too large"
        "The member limit says how many bytes are taken.";
    UnsupportedMediaType "unsupported-media-type" 415 "The media type is not supported"
        "The member accepted lists the media types that this operation takes as Content-Type.";
    IdempotencyMismatch "idempotency-mismatch" 422 "The key was used for another request"
        "An Idempotency-Key names one request: method, address, parameters and body. Make a new key for a new request; send the same key only to repeat the same one.";
    ValidationFailed "validation-failed" 422 "The input breaks a rule"
        "The member errors lists every fault at once: pointer (RFC 6901) says where, code which rule, detail what to change.";
    PreconditionRequired "precondition-required" 428 "A precondition is required"
        "Writing to something that exists needs If-Match with the ETag you last saw, so that nobody's work is overwritten unseen. If-Match: * says that you do not mind.";
    QuotaExceeded "quota-exceeded" 429 "Too many requests"
        "Wait as many seconds as Retry-After says.";
    Internal "internal" 500 "The service failed"
        "This is our fault, not yours. The operator finds the cause in the log under the request_id.";
    Unavailable "unavailable" 503 "Not available at the moment"
        "The service, or its database, cannot answer now. Try again after the seconds in Retry-After.";
}

impl ProblemCode {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}
