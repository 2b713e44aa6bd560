//! What can go wrong, and whether a command may have been done all the same.

/// The bytes broke the protocol, or a limit set against hostile peers. The connection is of no further use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A word began with a byte that the protocol reserves (`F1` to `FF`).
    #[error(
        "reserved control byte {0:#04x} where a length was due; the peer does not speak the RouterOS API"
    )]
    ControlByte(u8),
    /// A word was announced that is longer than allowed.
    #[error("a word of {length} bytes was announced, the limit is {limit}")]
    WordTooLong {
        /// Announced length in bytes.
        length: u32,
        /// The limit in bytes.
        limit: u32,
    },
    /// A sentence grew longer than allowed.
    #[error("a sentence is longer than the limit of {limit} bytes")]
    SentenceTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A sentence has more words than allowed.
    #[error("a sentence has more words than the limit of {limit}")]
    TooManyWords {
        /// The limit.
        limit: usize,
    },
}
