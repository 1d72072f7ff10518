//! The way to the API server: nothing is written but by the leader, and no call waits for ever.
//!
//! A leader that lost its Lease drops its work. That alone is too late where the process itself stood still
//! (a paused machine, a debugger, no memory left): when it goes on, some of its work may run before it
//! notices. So every write looks at the clock itself, at the last moment before it leaves.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tokio::time::{Instant, timeout};
use tower::Service;

/// So long an answer may take to begin. The API server itself gives most requests up after a minute, but a
/// connection that broke without a word would be waited for until the kernel gives up, after a quarter of
/// an hour.
const PATIENCE: Duration = Duration::from_secs(30);

/// Until when this process leads, by its own clock.
#[derive(Debug, Clone, Default)]
pub struct Tenure {
    until: Arc<Mutex<Option<Instant>>>,
}

impl Tenure {
    /// This process leads until then.
    pub fn lasts_until(&self, end: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    /// It leads no more.
    pub fn end(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether it leads now.
    pub fn is_held(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|end| Instant::now() < end)
    }
}

/// Why a call was not made, or not waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Given {
    #[error("this process does not lead any more, so it writes nothing")]
    Up,
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
}

/// The client for work that is the leader's: it writes during the tenure only.
pub fn within(tenure: Tenure, client: Client) -> Client {
    guarded(client, Some(tenure))
}

/// The client with no call that waits for ever.
pub fn patient(client: Client) -> Client {
    guarded(client, None)
}

fn guarded(client: Client, tenure: Option<Tenure>) -> Client {
    let namespace = client.default_namespace().to_owned();
    Client::new(Guard { client, tenure }, namespace)
}

struct Guard {
    client: Client,
    /// `None`: whoever writes need not lead.
    tenure: Option<Tenure>,
}

impl Service<Request<Body>> for Guard {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, kube::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let client = self.client.clone();
        let needed = self.tenure.clone().filter(|_| request.method() != Method::GET);
        Box::pin(async move {
            let mut call = pin!(client.send(request));
            // Before each step of the call, not once: the client itself tries again after a pause.
            let step = poll_fn(|context| match &needed {
                Some(tenure) if !tenure.is_held() => Poll::Ready(Err(given(Given::Up))),
                _ => call.as_mut().poll(context),
            });
            timeout(PATIENCE, step).await.unwrap_or_else(|_| Err(given(Given::Late)))
        })
    }
}

fn given(why: Given) -> kube::Error {
    kube::Error::Service(Box::new(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Something that answers every request after `pause`, and counts them.
    fn answering(pause: Duration) -> (Client, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            let count = count.clone();
            async move {
                tokio::time::sleep(pause).await;
                count.fetch_add(1, Ordering::Relaxed);
                let map =
                    br#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}"#;
                Ok::<_, std::convert::Infallible>(Response::new(Body::from(map.to_vec())))
            }
        });
        (Client::new(service, "n"), asked)
    }

    async fn write(client: &Client) -> Result<(), String> {
        let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
        let written = maps.create(&Default::default(), &ConfigMap::default()).await;
        written.map(|_| ()).map_err(|error| error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_outside_of_the_tenure() {
        let (client, asked) = answering(Duration::ZERO);
        let tenure = Tenure::default();
        let client = within(tenure.clone(), client);
        assert!(write(&client).await.unwrap_err().contains("does not lead any more"));
        tenure.lasts_until(Instant::now() + Duration::from_secs(10));
        write(&client).await.unwrap();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(write(&client).await.is_err(), "nobody ended it; its time ran out");
        tenure.lasts_until(Instant::now() + Duration::from_secs(10));
        tenure.end();
        assert!(write(&client).await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        // Who does not lead still reads.
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        maps.get("a").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_is_under_way_when_the_tenure_ends_goes_no_further() {
        let (client, asked) = answering(Duration::from_secs(2));
        let tenure = Tenure::default();
        tenure.lasts_until(Instant::now() + Duration::from_secs(1));
        let client = within(tenure, client);
        assert!(write(&client).await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_given_up() {
        let (client, _) = answering(PATIENCE * 2);
        let begun = Instant::now();
        let error = write(&patient(client)).await.unwrap_err();
        assert!(error.contains("no answer within 30 s"), "{error}");
        assert_eq!(begun.elapsed(), PATIENCE);
    }
}
