use rstest::rstest;
use sapphire_trader::api::Page;

use crate::desk::{Desk, error, page};

#[tokio::test]
async fn the_page_is_asked_for_anew_and_told_by_its_tag() {
    let desk = Desk::open().await;
    let first = desk.get("/").await;
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(first.headers()["cache-control"], "no-cache");
    let tag = first.headers()["etag"].clone();
    assert!(first.text().await.unwrap().contains("Mission Control"));
    let weak = format!("\"other\", W/{}", tag.to_str().unwrap());
    for known in [tag.to_str().unwrap(), weak.as_str(), "*"] {
        let again =
            desk.client.get(desk.url("/")).header("if-none-match", known).send().await.unwrap();
        assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag), "{known}");
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let stale =
        desk.client.get(desk.url("/")).header("if-none-match", "\"old\"").send().await.unwrap();
    assert_eq!(stale.status(), 200);
}

#[rstest]
#[case("/assets/index-4f3c0b1A.js", "text/javascript; charset=utf-8")]
#[case("/assets/index-9a1b0b1A.css", "text/css; charset=utf-8")]
#[case("/assets/sapphire-77aa0b1A.svg", "image/svg+xml")]
#[tokio::test]
async fn its_parts_last_for_ever_under_their_names(#[case] path: &str, #[case] media_type: &str) {
    let desk = Desk::open().await;
    let part = desk.get(path).await;
    assert_eq!(part.status(), 200);
    assert_eq!(part.headers()["content-type"], media_type);
    assert_eq!(part.headers()["cache-control"], "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn a_part_under_a_lasting_name_is_asked_for_anew() {
    let desk = Desk::open().await;
    let part = desk.get("/assets/licenses.txt").await;
    assert_eq!(part.status(), 200);
    assert_eq!(part.headers()["cache-control"], "no-cache");
}

#[rstest]
#[case("/assets/../secret.txt")]
#[case("/assets/%2e%2e/secret.txt")]
#[case("/assets/..%2fsecret.txt")]
#[case("/assets/..%5csecret.txt")]
#[case("/assets//etc/passwd")]
#[case("/assets/%2fetc%2fpasswd")]
#[case("/assets/../../../../etc/passwd")]
#[case("/assets/")]
#[case("/assets")]
#[case("/assets/index-4f3c0b1A.js/")]
#[case("/assets/index-4f3c0b1A.js%00")]
#[case("/secret.txt")]
#[case("/index.html/../secret.txt")]
#[tokio::test]
async fn nothing_else_is_served(#[case] path: &str) {
    let desk = Desk::open().await;
    // A client library would tidy the path up.
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let answer = desk.raw(&request).await;
    assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("\"error\"") && !answer.contains("not a part of the page"), "{answer}");
}

#[tokio::test]
async fn a_part_that_is_gone_says_to_load_the_page_again() {
    let desk = Desk::open().await;
    let message = error(desk.get("/assets/index-old.js").await, 404, "NotFound").await;
    assert!(message.contains("load the page again"), "{message}");
}

#[tokio::test]
async fn a_binary_without_the_page_says_how_to_build_it() {
    let mut desk = Desk::silent(|_| (), Page::default()).await;
    desk.show_everything();
    let answer = desk.get("/").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    let words = answer.text().await.unwrap();
    assert!(words.contains("make page") && words.contains("/api/openapi.json"), "{words}");
    assert_eq!(desk.get("/api/risk").await.status(), 200);
}

/// Whatever was built into this binary, all of the page or nothing, is served as such.
#[tokio::test]
async fn the_embedded_page_is_whole() {
    let desk = Desk::silent(|_| (), Page::embedded()).await;
    let index = desk.get("/").await;
    if index.status() == 503 {
        assert!(index.text().await.unwrap().contains("make page"));
        return;
    }
    let html = index.text().await.unwrap();
    let parts: Vec<&str> = html
        .split(['"', '\''])
        .filter(|text| text.starts_with("/assets/") || text.starts_with("./assets/"))
        .collect();
    assert!(!parts.is_empty(), "the page has parts: {html}");
    for part in parts {
        let path = part.trim_start_matches('.');
        assert_eq!(desk.get(path).await.status(), 200, "{path}");
    }
    assert!(
        !html.contains("<script>") && !html.contains("<style>"),
        "the policy forbids inline: {html}"
    );
}

#[test]
fn the_same_file_has_the_same_tag() {
    let tags = |page: &Page| format!("{page:?}");
    assert_eq!(tags(&page()), tags(&page()));
}
