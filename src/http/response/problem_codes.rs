//! The problem types: a stable code, its status, its title, and the help text of its page.

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

            /// What to do about it: the text of the page at the `type` address.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help),* }
            }
        }
    };
}

codes! {
    MalformedBody "malformed-body" 400 "The body is malformed"
        "The body is not well-formed JSON (or, where forms are accepted, not a well-formed form). Nothing was changed. Correct the \
         syntax and send it again; the detail says where parsing failed.";
    UnknownParameter "unknown-parameter" 400 "Unknown parameter"
        "Unknown query parameters are refused, so that a typing error does not silently change a response. The member parameter is the \
         one that was sent; allowed lists those that exist.";
    InvalidParameter "invalid-parameter" 400 "Invalid parameter value"
        "The member parameter is its name, and the detail says which values are allowed.";
    InvalidCursor "invalid-cursor" 400 "The cursor does not belong to this list"
        "A cursor is opaque and valid only for the list it came from: the same filters and the same sort. Follow the next and prev \
         links, or start again without a cursor.";
    Unauthenticated "unauthenticated" 401 "No valid token"
        "Send Authorization: Bearer with an access token from POST /v1/auth/token, or with a machine token. The token that was sent, if \
         any, is unknown, expired or revoked.";
    InsufficientScope "insufficient-scope" 403 "Insufficient scope"
        "The token is valid, but it lacks the scope in the member required_scope, or the resource belongs to another user.";
    NotFound "not-found" 404 "Not found"
        "There is nothing at this address, or nothing that you may see. The response does not say which.";
    MethodNotAllowed "method-not-allowed" 405 "Method not allowed"
        "The Allow header lists the methods of this address.";
    NotAcceptable "not-acceptable" 406 "None of the accepted media types is available"
        "The member accepted lists the media types of this resource.";
    RequestTimeout "request-timeout" 408 "The body did not arrive in time"
        "The connection stalled while the body was being sent. Nothing was changed; send the request again.";
    SlugTaken "slug-taken" 409 "The slug is taken"
        "A slug that you choose must be free. The member suggestions lists free ones. Omit the slug to get one derived from the title.";
    IdempotencyInProgress "idempotency-in-progress" 409 "The first request with this key is still in progress"
        "Another request with the same Idempotency-Key is being processed. Wait as many seconds as Retry-After says and repeat the \
         request with the same key: you get the response to the first one.";
    InUse "in-use" 409 "The resource is in use"
        "It cannot be changed or removed like this while something depends on it. Change what uses it first.";
    ImportEnded "import-ended" 409 "The import has ended"
        "An import can be cancelled only while it is received or processed, and takes no more lines after it has ended. \
         GET /v1/imports/{id} says how it ended; what it applied stays.";
    StaleRevision "stale-revision" 412 "The resource was changed since you read it"
        "Your If-Match refers to an older state. Read the resource again, apply your change to it, and send the new ETag. The member \
         current_etag is the current state, and changed_fields lists what differs. If-Match: * skips the check and overwrites what \
         others wrote.";
    PayloadTooLarge "payload-too-large" 413 "The body is too large"
        "The member limit is the maximum number of bytes.";
    UnsupportedMediaType "unsupported-media-type" 415 "The media type is not supported"
        "The member accepted lists the media types that this operation accepts as Content-Type.";
    IdempotencyMismatch "idempotency-mismatch" 422 "The key was used for another request"
        "An Idempotency-Key identifies one request: method, address, parameters and body. Use a new key for a new request, and the same \
         key only to repeat the same request.";
    ValidationFailed "validation-failed" 422 "The input is not valid"
        "The member errors lists every error: pointer (RFC 6901) is the field, code the rule, detail what to change.";
    PreconditionRequired "precondition-required" 428 "A precondition is required"
        "A write to an existing resource needs If-Match with the ETag that you read, so that no work of others is overwritten \
         unnoticed. If-Match: * skips the check.";
    QuotaExceeded "quota-exceeded" 429 "Too many requests"
        "Wait as many seconds as Retry-After says.";
    Internal "internal" 500 "Internal error"
        "The fault is in the service, not in your request. The operator finds the cause in the log under the request_id.";
    Unavailable "unavailable" 503 "Temporarily unavailable"
        "The service or its database cannot respond now. Try again after the seconds in Retry-After.";
}

impl ProblemCode {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}
