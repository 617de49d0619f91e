//! The statements that a migration sends; whatever else is an error, never left out.
//!
//! `SELECT *::field FROM "db"."rp"."m" WHERE time >= 0 AND time < 10 GROUP BY *`

use super::token::{Kind, Token, tokens};
use crate::influx::points::Type;

/// A statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `SHOW RETENTION POLICIES ON "db"`
    ShowRetentionPolicies { database: String },
    /// `SHOW SHARDS`
    ShowShards,
    /// `SHOW FIELD KEYS ON "db" FROM …`; without sources, all of the request's retention policy.
    ShowFieldKeys { database: String, sources: Vec<Source> },
    /// `SELECT …`
    Select(Select),
}

/// `"rp"./.*/` or `"rp"."m"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) policy: String,
    /// `None` are all of them.
    pub(super) measurement: Option<String>,
}

/// What is read of a measurement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Select {
    pub(super) columns: Columns,
    pub(super) database: String,
    pub(super) policy: String,
    pub(super) measurement: String,
    /// The first time. More than an `i64` holds is an error when it is executed.
    pub(super) start: i128,
    /// The time after the last one.
    pub(super) stop: i128,
    /// Tags and their values; all have to hold.
    pub(super) tags: Vec<(String, String)>,
}

/// What is asked of the points.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// All rows of these: `GROUP BY *`.
    Series(Fields),
    /// The first row of these: `LIMIT 1`.
    First(Fields),
    /// `count("f"), count("f"::float), count("f"::field)`
    Counts(Vec<(String, Option<Type>)>),
    /// `count(*::field)`: of all that the range knows.
    CountAll,
    /// `first("f") * 0 + 1000`: a number of the type that the field is read as.
    Kind(String),
}

/// Which fields are read, and as what.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fields {
    /// `*::field`: all that the range knows, each as its strongest type.
    All,
    /// `"f"::float, "g"::string`
    Of(Vec<(String, Type)>),
}

/// With what a statement can begin.
const STATEMENTS: &str =
    "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL";
/// What can be shown.
const SHOWN: &str = "CONTINUOUS, DATABASES, DIAGNOSTICS, FIELD, GRANTS, MEASUREMENT, \
     MEASUREMENTS, QUERIES, RETENTION, SERIES, SHARD, SHARDS, STATS, SUBSCRIPTIONS, TAG, USERS";
/// What an expression can begin with.
const EXPRESSION: &str = "identifier, string, number, bool";
/// What may stand after `::`.
const TYPES: &str = "float, integer, unsigned, string, boolean, field, tag";

/// Reads statements. The error is the server's, without the words before it.
pub(super) fn statements(script: &str) -> Result<Vec<Statement>, String> {
    let mut parser = Parser { tokens: tokens(script), next: 0 };
    let mut statements = Vec::new();
    loop {
        let is_next = statements.is_empty() || parser.peek() == &Kind::Symbol(";");
        while parser.takes(";") {}
        if parser.peek() == &Kind::End {
            return Ok(statements);
        }
        if !is_next {
            return Err(parser.expected(";"));
        }
        statements.push(parser.statement()?);
    }
}

struct Parser {
    // Invariant: the last one is `Kind::End`, and `next` is never beyond it.
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn statement(&mut self) -> Result<Statement, String> {
        if self.takes_word("SHOW") {
            return self.show();
        }
        if self.takes_word("SELECT") {
            return self.select().map(Statement::Select);
        }
        Err(self.expected(STATEMENTS))
    }

    fn show(&mut self) -> Result<Statement, String> {
        if self.takes_word("SHARDS") {
            return Ok(Statement::ShowShards);
        }
        if self.takes_word("RETENTION") {
            self.word("POLICIES")?;
            self.word("ON")?;
            return Ok(Statement::ShowRetentionPolicies { database: self.name()? });
        }
        if !self.takes_word("FIELD") {
            return Err(self.expected(SHOWN));
        }
        if !self.takes_word("KEYS") {
            return Err(self.expected("KEY, KEYS"));
        }
        self.word("ON")?;
        let database = self.name()?;
        let mut sources = Vec::new();
        if !self.takes_word("FROM") {
            return Ok(Statement::ShowFieldKeys { database, sources });
        }
        loop {
            let policy = self.name()?;
            self.symbol(".")?;
            let measurement = if self.takes("/.*/") { None } else { Some(self.name()?) };
            sources.push(Source { policy, measurement });
            if !self.takes(",") {
                return Ok(Statement::ShowFieldKeys { database, sources });
            }
        }
    }

    fn select(&mut self) -> Result<Select, String> {
        let columns = self.columns()?;
        self.word("FROM")?;
        let database = self.name()?;
        self.symbol(".")?;
        let policy = self.name()?;
        self.symbol(".")?;
        let measurement = self.name()?;
        self.word("WHERE")?;
        let start = self.bound(">=")?;
        self.word("AND")?;
        let stop = self.bound("<")?;
        let tags = if self.takes_word("AND") { self.tags()? } else { Vec::new() };
        let columns = match columns {
            Columns::Series(fields) => self.extent(fields)?,
            others => others,
        };
        Ok(Select { columns, database, policy, measurement, start, stop, tags })
    }

    /// All rows, or the first one.
    fn extent(&mut self, fields: Fields) -> Result<Columns, String> {
        if self.takes_word("GROUP") {
            self.word("BY")?;
            self.symbol("*")?;
            return Ok(Columns::Series(fields));
        }
        self.word("LIMIT")?;
        self.integer("1")?;
        Ok(Columns::First(fields))
    }

    /// What stands before `FROM`; rows are those of all series until it is said.
    fn columns(&mut self) -> Result<Columns, String> {
        if self.takes("*") {
            self.all_fields()?;
            return Ok(Columns::Series(Fields::All));
        }
        if self.takes_word("first") {
            return self.kind();
        }
        if self.peek().is("count") {
            return self.counts();
        }
        let mut fields: Vec<(String, Type)> = Vec::new();
        loop {
            let Kind::Name(field) = self.peek() else { return Err(self.expected(EXPRESSION)) };
            // The server would call the second one `f_1`, or what else is free.
            if fields.iter().any(|(other, _)| other == field) {
                return Err(format!("the fake reads a field once, at {}", self.place()));
            }
            let field = self.name()?;
            self.symbol("::")?;
            fields.push((field, self.value_type()?));
            if !self.takes(",") {
                return Ok(Columns::Series(Fields::Of(fields)));
            }
        }
    }

    /// What follows the `*` of `*::field`.
    fn all_fields(&mut self) -> Result<(), String> {
        self.symbol("::")?;
        if self.takes_word("field") { Ok(()) } else { Err(self.expected("field, tag")) }
    }

    fn counts(&mut self) -> Result<Columns, String> {
        let mut counts = Vec::new();
        loop {
            self.word("count")?;
            self.symbol("(")?;
            if counts.is_empty() && self.takes("*") {
                self.all_fields()?;
                self.symbol(")")?;
                return Ok(Columns::CountAll);
            }
            let field = self.name()?;
            let is_typed = self.takes("::") && !self.takes_word("field");
            let read = if is_typed { Some(self.value_type()?) } else { None };
            self.symbol(")")?;
            counts.push((field, read));
            if !self.takes(",") {
                return Ok(Columns::Counts(counts));
            }
        }
    }

    fn kind(&mut self) -> Result<Columns, String> {
        self.symbol("(")?;
        let field = self.name()?;
        self.symbol(")")?;
        self.symbol("*")?;
        self.integer("0")?;
        self.symbol("+")?;
        self.integer("1000")?;
        Ok(Columns::Kind(field))
    }

    fn value_type(&mut self) -> Result<Type, String> {
        let types = [Type::Float, Type::Integer, Type::Unsigned, Type::String, Type::Boolean];
        let named = types.into_iter().find(|value_type| self.takes_word(value_type.name()));
        named.ok_or_else(|| self.expected(TYPES))
    }

    fn bound(&mut self, comparison: &'static str) -> Result<i128, String> {
        self.word("time")?;
        self.symbol(comparison)?;
        let is_negative = self.takes("-");
        let Kind::Integer(digits) = self.peek() else { return Err(self.expected(EXPRESSION)) };
        let value = digits.parse::<u64>();
        let unreadable = || format!("unable to parse integer at {}", self.place());
        let value = i128::from(value.map_err(|_| unreadable())?);
        let value = if is_negative { -value } else { value };
        if value < i128::from(i64::MIN) {
            return Err(format!("constant {value} underflows int64"));
        }
        self.next += 1;
        Ok(value)
    }

    fn tags(&mut self) -> Result<Vec<(String, String)>, String> {
        self.symbol("(")?;
        let mut tags = Vec::new();
        loop {
            let key = match self.peek() {
                Kind::Name(key) | Kind::Word(key) => key.clone(),
                _ => return Err(self.expected(EXPRESSION)),
            };
            self.next += 1;
            self.symbol("=")?;
            let Kind::Text(value) = self.peek() else { return Err(self.expected("string")) };
            tags.push((key, value.clone()));
            self.next += 1;
            if !self.takes_word("AND") {
                self.symbol(")")?;
                return Ok(tags);
            }
        }
    }

    fn peek(&self) -> &Kind {
        &self.tokens[self.next].kind
    }

    fn takes(&mut self, symbol: &'static str) -> bool {
        let is_next = self.peek() == &Kind::Symbol(symbol);
        self.next += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = self.peek().is(word);
        self.next += usize::from(is_next);
        is_next
    }

    /// The only number that may stand here.
    fn integer(&mut self, digits: &str) -> Result<(), String> {
        match self.peek() {
            Kind::Integer(other) if other == digits => self.next += 1,
            _ => return Err(self.expected("integer")),
        }
        Ok(())
    }

    fn symbol(&mut self, symbol: &'static str) -> Result<(), String> {
        if self.takes(symbol) { Ok(()) } else { Err(self.expected(symbol)) }
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        if self.takes_word(word) { Ok(()) } else { Err(self.expected(word)) }
    }

    /// A name in quotes. The server takes some without as well; a migration quotes all.
    fn name(&mut self) -> Result<String, String> {
        let Kind::Name(name) = self.peek() else { return Err(self.expected("identifier")) };
        let name = name.clone();
        self.next += 1;
        Ok(name)
    }

    fn place(&self) -> String {
        let place = self.tokens[self.next].place;
        format!("line {}, char {}", place.line, place.character)
    }

    fn expected(&self, expected: &str) -> String {
        format!("found {}, expected {expected} at {}", self.peek().found(), self.place())
    }
}
