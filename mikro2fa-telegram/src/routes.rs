//! Every update's way, on one screen.

use std::sync::Arc;

use teloxide::{
    dispatching::{UpdateFilterExt, UpdateHandler},
    dptree,
    types::{Message, Update},
};

use crate::{
    command::Asked,
    handlers::{self, Sender},
    office::{Failure, Office},
};

/// Taps, memberships, and messages: not private, from nobody we know, commands, anything else. Kinds that are not here
/// are skipped.
pub(crate) fn routes() -> UpdateHandler<Failure> {
    dptree::entry()
        .branch(Update::filter_callback_query().endpoint(handlers::tap))
        .branch(Update::filter_my_chat_member().endpoint(handlers::membership))
        .branch(
            Update::filter_message()
                .branch(
                    dptree::filter(|message: Message| !is_private(&message))
                        .endpoint(handlers::elsewhere),
                )
                .map_async(handlers::sender)
                .branch(
                    dptree::filter(|sender: Result<Sender, Failure>| sender.is_err())
                        .endpoint(handlers::not_known),
                )
                .filter_map(|sender: Result<Sender, Failure>| sender.ok())
                .branch(
                    dptree::filter(|sender: Sender| sender.user.is_none())
                        .endpoint(handlers::stranger),
                )
                .branch(dptree::filter_map(asked).endpoint(handlers::command))
                .endpoint(handlers::typed),
        )
}

fn is_private(message: &Message) -> bool {
    let by_person = message.from.as_ref().is_some_and(|from| !from.is_bot);
    let own = message
        .from
        .as_ref()
        .is_some_and(|from| i64::try_from(from.id.0) == Ok(message.chat.id.0));
    message.chat.is_private() && by_person && own
}

fn asked(office: Arc<Office>, message: Message) -> Option<Asked> {
    let username = office.username.get().map(String::as_str);
    Asked::read(&office.courier.texts, message.text()?, username)
}
