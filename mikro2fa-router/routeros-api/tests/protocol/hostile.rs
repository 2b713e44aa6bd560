//! Whatever a router sends, nobody waits for ever and nothing panics.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use routeros_api::{BatchOptions, Client, Limits, Options, Sentence};
use tokio::io::duplex;

use crate::peer::{Peer, command, options, watched};

/// Replies that look right, replies that look nearly right, and bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("!re".to_owned()),
        Just("!done".to_owned()),
        Just("!trap".to_owned()),
        Just("!empty".to_owned()),
        Just("=ret=*1".to_owned()),
        Just("=message=no".to_owned()),
        (0..6).prop_map(|tag| format!(".tag={tag}")),
        "[!=.]?[a-z]{0,5}=?.{0,5}",
    ];
    prop_oneof![
        8 => vec(word, 1..4).prop_map(|words| {
            let mut bytes = Vec::new();
            Sentence::from_words(words).encode(&mut bytes);
            bytes
        }),
        1 => vec(any::<u8>(), 0..20),
        1 => Just(b"\x06!fatal\x03bye\0".to_vec()),
    ]
}

fn strict(options: Options) -> Options {
    options.stream_buffer(64).answer_limit(256).limits(Limits {
        max_word: 512,
        max_sentence_bytes: 1024,
        max_words: 16,
    })
}

/// A call, a stream, a listen that is dropped and a batch, against a router that says this and goes.
async fn ends(pieces: Vec<Vec<u8>>) {
    let (ours, theirs) = duplex(256);
    let mut peer = Peer::new(theirs);
    let options = strict(options("a pipe"));
    let (client, ()) = tokio::join!(Client::log_in(ours, &options), peer.accept_login());
    let client = client.unwrap();
    let router = async move {
        for piece in pieces {
            peer.raw(&piece).await;
            tokio::task::yield_now().await;
        }
    };
    let callers = async {
        let _ = client.call(command("/a/print")).await;
        drop(client.listen(command("/b/listen")));
        let stream = async {
            let Ok(mut rows) = client.stream(command("/c/print")) else {
                return;
            };
            while let Ok(Some(_row)) = rows.next().await {}
        };
        let batch = client.call_batch(vec![command("/d/add"); 3], BatchOptions::new().window(2));
        let (batch, ()) = tokio::join!(batch, stream);
        assert_eq!(batch.outcomes.len(), 3);
        client.closed().await;
    };
    tokio::join!(router, callers);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn everybody_is_answered_whatever_a_router_sends(pieces in vec(piece(), 0..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        runtime.block_on(watched(ends(pieces)));
    }
}
