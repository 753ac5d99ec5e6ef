//! Requests, what they show, and what they meet instead of an answer.

use chassis::control::NO_OPERATOR;
use contracts::error::{ProblemJson, chain};
use contracts::{Code, Problem};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

/// What a request met instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It was refused.
    #[error("{0}")]
    Refused(Problem),
    /// There was no answer, or none that can be read. What was asked for may have happened.
    #[error("{0}")]
    Lost(String),
}

impl RequestError {
    /// Whether nobody is let in who asks like this, so that asking again, or elsewhere, is of no use.
    pub(crate) fn is_closed_door(&self) -> bool {
        matches!(self, Self::Refused(problem) if matches!(problem.code, Code::Unauthenticated | Code::Forbidden))
    }
}

/// What whoever reads control endpoints shows there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Nothing: all of them are on this machine.
    NotNeeded,
    /// The operator token.
    Token(String),
    /// Nothing, because the token was not given. Whoever is on this machine answers all the same.
    Missing,
}

/// Reads control endpoints. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ControlReader {
    pub http: Client,
    pub pass: Pass,
}

impl ControlReader {
    /// A request to the process at `address`.
    pub fn request(&self, address: &str, path: &str) -> RequestBuilder {
        let request = self.http.get(format!("http://{address}{path}"));
        match &self.pass {
            Pass::Token(token) => request.bearer_auth(token),
            Pass::NotNeeded | Pass::Missing => request,
        }
    }

    /// Sends a request and reads its answer.
    pub async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RequestError> {
        read(request).await.map_err(|error| self.explained(error))
    }

    /// A process that wants a token cannot know how it would be given. One that has none itself wants none.
    fn explained(&self, error: RequestError) -> RequestError {
        match error {
            RequestError::Refused(problem)
                if problem.code == Code::Unauthenticated
                    && problem.detail != NO_OPERATOR
                    && self.pass == Pass::Missing =>
            {
                RequestError::Refused(Problem { detail: NO_TOKEN.to_owned(), ..problem })
            }
            other => other,
        }
    }
}

/// What to say where the operator token is needed, and was not given.
pub(super) const NO_TOKEN: &str = "this needs the operator token: name it with --operator-token-file or --operator-token \
     (TRADEWIND_OPERATOR_TOKEN_FILE, TRADEWIND_OPERATOR_TOKEN)";

/// The bytes of an answer, which may come from anybody, if it is no larger than that.
pub(crate) async fn body(mut answer: Response, largest: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        anyhow::ensure!(body.len() + chunk.len() <= largest, "it is larger than {} MiB", largest >> 20);
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Sends a request and reads its answer.
pub(super) async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, RequestError> {
    let answer = send(request).await?;
    answer.json().await.map_err(|error| RequestError::Lost(format!("the answer cannot be read: {error}")))
}

/// Sends a request that must not be refused.
pub(super) async fn send(request: RequestBuilder) -> Result<Response, RequestError> {
    let answer = request.send().await.map_err(|error| RequestError::Lost(chain(&error)))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let problem = answer.json::<ProblemJson>().await.ok().and_then(ProblemJson::into_problem);
    Err(problem.map_or_else(|| unexplained(status), RequestError::Refused))
}

fn unexplained(status: StatusCode) -> RequestError {
    RequestError::Lost(format!("the answer is {status}, without a reason"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(pass: Pass) -> ControlReader {
        ControlReader { http: Client::new(), pass }
    }

    #[test]
    fn the_token_is_shown_where_it_was_given_and_nowhere_else() {
        let shown = |pass| {
            let request =
                reader(pass).request("orders:9000", "/control/orders/wires").build().expect("a request");
            assert_eq!(request.url().as_str(), "http://orders:9000/control/orders/wires");
            request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned())
        };
        assert_eq!(shown(Pass::Token("sesame".into())).as_deref(), Some("Bearer sesame"));
        assert_eq!([shown(Pass::NotNeeded), shown(Pass::Missing)], [None, None]);
    }

    #[test]
    fn whoever_has_no_token_is_told_how_to_give_one() {
        let told =
            |pass, code| reader(pass).explained(RequestError::Refused(Problem::new(code, "no"))).to_string();
        assert!(told(Pass::Missing, Code::Unauthenticated).contains("--operator-token"));
        assert_eq!(told(Pass::Token("wrong".into()), Code::Unauthenticated), "unauthenticated: no");
        assert_eq!(told(Pass::Missing, Code::NotFound), "not_found: no");
        let nobody = RequestError::Refused(Problem::new(Code::Unauthenticated, NO_OPERATOR));
        let told = reader(Pass::Missing).explained(nobody).to_string();
        assert!(told.contains(NO_OPERATOR) && !told.contains("--operator-token"), "{told}");
    }
}
