//! Commands and their arguments.

use super::{
    super::{
        super::{
            menu::{Kind, MenuId, Verbs},
            version::Version,
        },
        Failure,
        ast::{Command, Expression, Operator, Statement, What},
        tree::{self, Step},
        value::Value,
    },
    Mode, Parsed, Parser, is_word,
};

/// Commands of the language, and the version that first has them.
const BUILTINS: [(&str, u8, u8); 18] = [
    ("len", 6, 0),
    ("tostr", 6, 0),
    ("tonum", 6, 0),
    ("tobool", 6, 0),
    ("toid", 6, 0),
    ("totime", 6, 0),
    ("toip", 6, 0),
    ("toarray", 6, 0),
    ("pick", 6, 0),
    ("find", 6, 0),
    ("typeof", 6, 0),
    ("log", 6, 0),
    ("put", 6, 0),
    ("nothing", 6, 0),
    ("error", 6, 0),
    ("delay", 6, 0),
    ("parse", 6, 0),
    ("serialize", 7, 15),
];

/// Commands that routers have and this interpreter does not.
const BEYOND: [&str; 17] = [
    "beep",
    "convert",
    "deserialize",
    "environment",
    "execute",
    "export",
    "grep",
    "import",
    "jobname",
    "ping",
    "range",
    "resolve",
    "retry",
    "rndnum",
    "rndstr",
    "time",
    "timestamp",
];

/// Arguments of `/tool fetch`, and the version that first has them. An unknown one makes the whole script unreadable.
const FETCH: [(&str, u8, u8); 19] = [
    ("url", 6, 0),
    ("mode", 6, 0),
    ("address", 6, 0),
    ("host", 6, 0),
    ("port", 6, 0),
    ("src-path", 6, 0),
    ("dst-path", 6, 0),
    ("user", 6, 0),
    ("password", 6, 0),
    ("http-method", 6, 40),
    ("http-data", 6, 40),
    ("http-header-field", 6, 40),
    ("check-certificate", 6, 0),
    ("output", 6, 40),
    ("keep-result", 6, 0),
    ("as-value", 6, 43),
    ("duration", 7, 1),
    ("idle-timeout", 7, 15),
    ("http-max-redirect-count", 7, 18),
];

/// Arguments of `/user ssh-keys import`.
const IMPORT: [(&str, u8, u8); 4] = [
    ("public-key-file", 6, 0),
    ("user", 6, 0),
    ("key-owner", 7, 15),
    ("info", 7, 22),
];

/// What `print` takes as bare words, and the version that first has them.
const PRINT_FLAGS: [(&str, u8, u8); 12] = [
    ("as-value", 6, 0),
    ("brief", 6, 0),
    ("count-only", 6, 0),
    ("detail", 6, 0),
    ("follow", 6, 0),
    ("follow-only", 6, 0),
    ("show-ids", 7, 0),
    ("show-sensitive", 7, 22),
    ("stats", 6, 0),
    ("terse", 6, 0),
    ("value-list", 6, 0),
    ("without-paging", 6, 0),
];
/// What it takes with a value.
const PRINT_ARGUMENTS: [(&str, u8, u8); 4] = [
    ("proplist", 7, 0),
    ("from", 6, 0),
    ("interval", 6, 0),
    ("file", 6, 0),
];

/// Where a path leads.
enum Place {
    Menu(String),
    Command(What),
}

impl Parser<'_> {
    /// What a line begins with that is no word of the language: a command, or a path that is entered, for a block or for the
    /// lines that follow (`None`).
    pub(super) fn menu_or_command(&mut self) -> Parsed<Option<Statement>> {
        if self.peek() == Some(b'$') {
            return self.command().map(Statement::Run).map(Some);
        }
        let start = self.at;
        match self.place()? {
            Place::Command(what) => self.arguments(what).map(Statement::Run).map(Some),
            Place::Menu(directory) if self.peek() == Some(b'{') => {
                let outer = std::mem::replace(&mut self.directory, directory);
                let block = self.block();
                self.directory = outer;
                Ok(Some(Statement::Scope(block?)))
            }
            Place::Menu(directory) if self.at_end() && self.at > start => {
                self.directory = directory;
                Ok(None)
            }
            Place::Menu(_) => Err(self.no_command_name()),
        }
    }

    pub(super) fn command(&mut self) -> Parsed<Command> {
        self.blanks();
        match self.peek() {
            Some(b'$') => {
                self.at += 1;
                let what = What::Function(self.name()?);
                self.arguments(what)
            }
            Some(b':') => {
                self.at += 1;
                let start = self.at;
                let word = self.word();
                self.builtin(start, &word)
            }
            _ => match self.place()? {
                Place::Command(what) => self.arguments(what),
                Place::Menu(_) => Err(self.no_command_name()),
            },
        }
    }

    fn no_command_name(&self) -> Failure {
        match self.peek() {
            None | Some(b'\n' | b';' | b'}' | b']') => {
                self.error_at(self.at, "expected command name")
            }
            Some(byte) if !is_word(byte) => self.syntax_error(),
            Some(_) => {
                let end = self.source.get(self.at..).unwrap_or_default();
                let length = end.iter().take_while(|byte| is_word(**byte)).count();
                let word = end.get(..length).unwrap_or_default();
                let word = String::from_utf8_lossy(word);
                self.unknown_at(self.at, &format!("bad command name {word}"))
            }
        }
    }

    /// A command of the language by its name without the colon.
    pub(super) fn builtin(&mut self, start: usize, word: &str) -> Parsed<Command> {
        match self.find_builtin(word) {
            Some(name) => self.arguments(What::Builtin(name)),
            None if BEYOND.contains(&word) => Err(Failure::Unsupported(format!(":{word}"))),
            None => Err(self.unknown_at(start, &format!("bad command name {word}"))),
        }
    }

    fn find_builtin(&self, word: &str) -> Option<&'static str> {
        known(&BUILTINS, self.version).find(|name| *name == word)
    }

    /// `/ip firewall address-list remove`, with blanks or slashes between, from the root or from where we are.
    fn place(&mut self) -> Parsed<Place> {
        let mut directory = if self.eat("/") {
            String::new()
        } else {
            self.directory.clone()
        };
        let mut first = true;
        loop {
            self.blanks();
            let start = self.at;
            if self.eat("..") {
                let parent = directory.rfind('/').unwrap_or(0);
                directory.truncate(parent);
            } else {
                let word = self.word();
                if word.is_empty() {
                    return Ok(Place::Menu(directory));
                }
                match tree::step(self.edition, &directory, &word) {
                    Some(Step::Directory(below)) => directory = below,
                    Some(Step::Command(what)) => return Ok(Place::Command(what)),
                    None => {
                        if first && let Some(name) = self.find_builtin(&word) {
                            return Ok(Place::Command(What::Builtin(name)));
                        }
                        return Err(self.unknown_at(start, &format!("bad command name {word}")));
                    }
                }
            }
            first = false;
            self.eat("/");
        }
    }

    fn arguments(&mut self, what: What) -> Parsed<Command> {
        let mut command = Command::new(what);
        match command.what {
            What::Menu(menu, verb) => {
                let path = menu.menu().path.to_owned();
                let outer = std::mem::replace(&mut self.directory, path);
                let read = match verb {
                    "print" => self.print_arguments(menu, &mut command),
                    "find" => self
                        .condition(menu)
                        .map(|condition| command.condition = condition),
                    _ => self.menu_arguments(menu, verb, &mut command),
                };
                self.directory = outer;
                read?;
            }
            _ => self.free_arguments(&mut command)?,
        }
        Ok(command)
    }

    /// Of `:len`, of functions, of `/tool fetch`.
    fn free_arguments(&mut self, command: &mut Command) -> Parsed<()> {
        loop {
            self.blanks();
            if self.at_end() {
                return Ok(());
            }
            let start = self.at;
            let word = self.word();
            if !word.is_empty() && self.eat("=") {
                if matches!(command.what, What::Other(_)) {
                    self.check_other(&command.what, start, &word)?;
                }
                let mode = match command.what {
                    What::Function(_) => Mode::Plain,
                    _ => Mode::Argument,
                };
                let value = self.in_mode(mode, Self::value)?;
                command.named.push((word, value));
                continue;
            }
            match (&command.what, word.as_str()) {
                (What::Other("/tool/fetch"), "as-value") => {
                    command
                        .named
                        .push((word, Expression::Value(Value::Bool(true))));
                }
                (What::Other(path), _) if !path.starts_with("/log/") => {
                    return Err(self.error_at(start, "expected end of command"));
                }
                _ => {
                    self.at = start;
                    let value = self.in_mode(Mode::Plain, Self::value)?;
                    command.plain.push(value);
                }
            }
        }
    }

    fn check_other(&self, what: &What, start: usize, name: &str) -> Parsed<()> {
        let fine = match what {
            What::Other("/tool/fetch") => known(&FETCH, self.version).any(|known| known == name),
            What::Other("/system/reboot" | "/ip/ssh/regenerate-host-key") => false,
            What::Other("/user/ssh-keys/import") => {
                known(&IMPORT, self.version).any(|known| known == name)
            }
            _ => name == "message",
        };
        if fine {
            Ok(())
        } else {
            Err(self.unknown_argument(start, name))
        }
    }

    /// An argument that there is not, in the words of the version.
    pub(super) fn unknown_argument(&self, start: usize, name: &str) -> Failure {
        if self.version.at_least(7, 20) {
            self.unknown_at(start, &format!("bad parameter {name}"))
        } else {
            self.unknown_at(start, "expected end of command")
        }
    }

    fn print_arguments(&mut self, menu: MenuId, command: &mut Command) -> Parsed<()> {
        loop {
            self.blanks();
            if self.at_end() {
                return Ok(());
            }
            let start = self.at;
            let word = self.word();
            if word == "where" {
                command.condition = self.condition(menu)?;
                return Ok(());
            }
            let version = self.version;
            if self.peek() == Some(b'=') {
                let name = shortened(known(&PRINT_ARGUMENTS, version), &word);
                let name = name.ok_or_else(|| self.unknown_argument(start, &word))?;
                self.at += 1;
                let value = self.in_mode(Mode::Argument, Self::value)?;
                if name == "file" {
                    return Err(Failure::Unsupported("print to a file".to_owned()));
                }
                command.named.push((name.to_owned(), value));
                continue;
            }
            match shortened(known(&PRINT_FLAGS, version), &word) {
                Some("follow" | "follow-only") => {
                    return Err(Failure::Unsupported(
                        "print that follows, at the console".to_owned(),
                    ));
                }
                Some(flag) => command.flags.push(flag),
                None => return Err(self.unknown_argument(start, &word)),
            }
        }
    }

    /// What rows are asked for. Conditions one after another must all hold.
    fn condition(&mut self, menu: MenuId) -> Parsed<Option<Expression>> {
        self.blanks();
        let start = self.at;
        if !self.eat("where") || self.peek().is_some_and(is_word) {
            self.at = start;
        }
        self.in_mode(Mode::Condition(menu), |parser| {
            let mut all: Option<Expression> = None;
            loop {
                parser.blanks();
                if parser.at_end() {
                    return Ok(all);
                }
                let next = parser.expression(0)?;
                all = Some(match all {
                    None => next,
                    Some(Expression::Chain(first, mut rest))
                        if rest.iter().all(|(operator, _)| *operator == Operator::And) =>
                    {
                        rest.push((Operator::And, next));
                        Expression::Chain(first, rest)
                    }
                    Some(before) => {
                        Expression::Chain(Box::new(before), vec![(Operator::And, next)])
                    }
                });
            }
        })
    }

    /// Whether rows of the menu have such a property in this version.
    pub(super) fn property(&self, menu: MenuId, name: &str) -> bool {
        let name = self.edition.spelling.read_as(menu.menu(), name);
        let field = menu.menu().field(name);
        field.is_some_and(|(_, field)| field.exists_in(self.version) && !field.hidden)
    }

    fn menu_arguments(&mut self, menu: MenuId, verb: &str, command: &mut Command) -> Parsed<()> {
        let mut slots = slots(menu, verb).iter().copied();
        loop {
            self.blanks();
            if self.at_end() {
                return Ok(());
            }
            let start = self.at;
            if self.eat("!") {
                let word = self.word();
                let name = self.argument(menu, verb, start, &word)?;
                let nothing = Expression::Value(Value::Nil);
                command.named.push((format!("!{name}"), nothing));
                continue;
            }
            let word = self.word();
            if !word.is_empty() && self.peek() == Some(b'=') {
                let name = self.argument(menu, verb, start, &word)?;
                self.at += 1;
                let value = self.given()?;
                command.named.push((name.to_owned(), value));
                continue;
            }
            self.at = start;
            let taken = |slot: &&str| command.named.iter().all(|(name, _)| name != slot);
            let Some(slot) = slots.find(taken) else {
                return Err(self.error_at(start, "expected end of command"));
            };
            let value = self.in_mode(Mode::Argument, Self::value)?;
            command.named.push((slot.to_owned(), value));
        }
    }

    /// A value must be given; an empty one is `""`.
    fn given(&mut self) -> Parsed<Expression> {
        if self.at_end() || self.peek().is_some_and(|byte| byte == b' ') {
            return Err(self.error_at(self.at, "expected input value"));
        }
        self.in_mode(Mode::Argument, Self::value)
    }

    /// The argument that a word means, which may be shortened.
    fn argument(&self, menu: MenuId, verb: &str, start: usize, word: &str) -> Parsed<&'static str> {
        let mut names: Vec<&'static str> = slots(menu, verb).to_vec();
        if matches!(verb, "add" | "set") {
            let fields = menu.menu().fields.iter().filter(|field| {
                field.exists_in(self.version)
                    && !field.read_only
                    && !matches!(field.kind, Kind::Computed(_))
            });
            let spelling = self.edition.spelling;
            names.extend(fields.map(|field| spelling.written_as(menu.menu(), field.name)));
        }
        names.extend(further(verb));
        if verb == "add" {
            names.push("copy-from");
            if menu.menu().verbs.has(Verbs::MOVE) {
                names.push("place-before");
            }
        }
        shortened(names.into_iter(), word).ok_or_else(|| self.unknown_argument(start, word))
    }
}

/// What commands of single menus take beside their target.
const fn further(verb: &str) -> &'static [&'static str] {
    match verb.as_bytes() {
        b"create-and-activate-profile" => &["customer", "profile"],
        b"login" => &["user", "password", "ip", "mac-address"],
        _ => &[],
    }
}

/// What values without a name are, in their order.
const fn slots(menu: MenuId, verb: &str) -> &'static [&'static str] {
    let single = menu.menu().single;
    match verb.as_bytes() {
        b"add" | b"reset-counters-all" => &[],
        b"get" if single => &["value-name"],
        b"get" => &["number", "value-name"],
        b"unset" if single => &["value-name"],
        b"unset" => &["numbers", "value-name"],
        b"comment" => &["numbers", "comment"],
        b"move" => &["numbers", "destination"],
        _ if single => &[],
        _ => &["numbers"],
    }
}

fn known<'t>(
    table: &'t [(&'static str, u8, u8)],
    version: Version,
) -> impl Iterator<Item = &'static str> + use<'t> {
    let there = move |(_, major, minor): &&(&str, u8, u8)| version.at_least(*major, *minor);
    table.iter().filter(there).map(|(name, ..)| *name)
}

/// The only name that begins so, or the one that is so.
fn shortened(names: impl Iterator<Item = &'static str>, word: &str) -> Option<&'static str> {
    let matching: Vec<&str> = names
        .filter(|name| !word.is_empty() && name.starts_with(word))
        .collect();
    let exact = matching.iter().find(|name| **name == word);
    match (exact, matching.as_slice()) {
        (Some(exact), _) => Some(exact),
        (None, [only]) => Some(only),
        _ => None,
    }
}
