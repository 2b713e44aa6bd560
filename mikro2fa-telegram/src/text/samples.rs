//! Sample values for every variable: what a preview shows, and what budgets are measured with.

use mikro2fa_core::desk::Language;

use super::{Args, Html, Key};

/// Fills every variable of a text with something usual.
pub fn sample_args(language: Language, key: Key) -> Args<'static> {
    let mut args = Args::new();
    for variable in key.spec().variables {
        args = fill(args, language, variable);
    }
    args
}

fn fill(args: Args<'static>, language: Language, variable: &'static str) -> Args<'static> {
    let (english, russian) = match variable {
        "account" => return args.outside("account", "a.smirnova"),
        "router" => return args.outside("router", "office-1"),
        "accounts" => return args.piece("accounts", accounts()),
        "person" | "name" | "object" => return args.outside(variable, "Anna Smirnova"),
        "operator" | "who" => return args.outside(variable, "Boris"),
        "tg-name" => return args.outside("tg-name", "Anna"),
        "caller" | "other-caller" | "last-caller" | "address" => {
            return args.outside(variable, "203.0.113.77");
        }
        "others" => return args.outside("others", "b.ivanov"),
        "comment" => return args.outside("comment", "temporary"),
        "title" => return args.outside("title", "Office"),
        "caller-kind" => return args.choice("caller-kind", "known"),
        "why" => return args.choice("why", "suspended"),
        "id" | "chat" => return args.ready(variable, "123456789"),
        "count" => return args.count("count", 3_u8),
        "n" => return args.count("n", 2_u8),
        "max" | "pages" => return args.count(variable, 3_u8),
        "page" => return args.count("page", 1_u8),
        "code" => return args.ready("code", "KQZTMB"),
        "service" => return args.ready("service", "L2TP"),
        "language" => ("English", "Русский"),
        "until" | "deadline" | "grace-until" | "lease-end" | "at" | "since" | "start" | "end"
        | "now" | "answered" | "last-at" => ("18:40", "18:40"),
        "zone" => ("UTC+3", "UTC+3"),
        "span" => ("15:20 – 18:40", "15:20 – 18:40"),
        "left" | "added" => ("3 h 20 min", "3 ч 20 мин"),
        "reason" => return args.reason("reason", "Please use the new account."),
        "first-time" => ("First time from this address.", "С этого адреса впервые."),
        "closing" => ("being cut", "разрывается"),
        "gate" => ("gate whole", "защита цела"),
        "state" => ("open", "открыто"),
        "error-kind" => ("no answer", "нет ответа"),
        "finding" => ("The jump rule is disabled", "Правило перехода отключено"),
        "what" => ("Account a.smirnova", "Учётная запись a.smirnova"),
        "act" => ("kept locked", "блокировка оставлена"),
        // Pieces that are whole sentences of their own, and may be absent.
        _ => return args.piece(variable, Html::default()),
    };
    let words = match language {
        Language::En => english,
        Language::Ru => russian,
    };
    args.ready(variable, words)
}

fn accounts() -> Html {
    Html::join(
        &[Html::value("a.smirnova"), Html::value("a.smirnova-home")],
        ", ",
    )
}
