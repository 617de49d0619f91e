//! The statements that a migration sends; whatever else is an error, never left out.
//!
//! `SELECT *::field FROM "db"."rp"."m" WHERE time >= 0 AND time < 10 GROUP BY *`

mod select;

use super::token::{Kind, Token, tokens};

pub(super) use select::{Columns, Count, Fields, Pattern, Select};

/// A statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `SHOW RETENTION POLICIES ON "db"`
    ShowRetentionPolicies { database: String },
    /// `SHOW SHARDS`
    ShowShards,
    /// `SHOW FIELD KEYS ON "db" FROM …`
    ShowFieldKeys { database: String, sources: Vec<Source> },
    /// `SHOW TAG KEYS ON "db"`
    ShowTagKeys { database: String },
    /// `SHOW SERIES CARDINALITY ON "db"`, `SHOW MEASUREMENT CARDINALITY ON "db"`
    ShowCardinality { of: Counted, database: String },
    /// `SHOW SERIES EXACT CARDINALITY ON "db"`
    ShowExactCardinality { database: String },
    /// `SHOW CONTINUOUS QUERIES`
    ShowContinuousQueries,
    /// `SELECT …`
    Select(Select),
}

/// What a cardinality is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Measurements,
    Series,
}

/// `"rp"./.*/` or `"rp"."m"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) policy: String,
    /// `None` are all of them.
    pub(super) measurement: Option<String>,
}

/// What a statement means that does not say it.
#[derive(Debug)]
pub(super) struct Defaults {
    pub(super) database: String,
    pub(super) policy: String,
}

/// With what a statement can begin.
const STATEMENTS: &str =
    "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL";
/// What can be shown.
const SHOWN: &str = "CONTINUOUS, DATABASES, DIAGNOSTICS, FIELD, GRANTS, MEASUREMENT, \
     MEASUREMENTS, QUERIES, RETENTION, SERIES, SHARD, SHARDS, STATS, SUBSCRIPTIONS, TAG, USERS";
/// What an expression can begin with.
const EXPRESSION: &str = "identifier, string, number, bool";

/// Reads statements. The error is the server's, without the words before it.
pub(super) fn statements(script: &str, defaults: Defaults) -> Result<Vec<Statement>, String> {
    let mut parser = Parser { tokens: tokens(script), next: 0, defaults };
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
    defaults: Defaults,
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
        if self.takes_word("TAG") {
            self.word("KEYS")?;
            return Ok(Statement::ShowTagKeys { database: self.on()? });
        }
        if self.takes_word("CONTINUOUS") {
            self.word("QUERIES")?;
            return Ok(Statement::ShowContinuousQueries);
        }
        for (word, of) in [("SERIES", Counted::Series), ("MEASUREMENT", Counted::Measurements)] {
            if self.takes_word(word) {
                if of == Counted::Series && self.takes_word("EXACT") {
                    self.word("CARDINALITY")?;
                    return Ok(Statement::ShowExactCardinality { database: self.on()? });
                }
                self.word("CARDINALITY")?;
                return Ok(Statement::ShowCardinality { of, database: self.on()? });
            }
        }
        if !self.takes_word("FIELD") {
            return Err(self.expected(SHOWN));
        }
        if !self.takes_word("KEYS") {
            return Err(self.expected("KEY, KEYS"));
        }
        let database = self.on()?;
        let mut sources = Vec::new();
        if !self.takes_word("FROM") {
            let policy = self.defaults.policy.clone();
            sources.push(Source { policy, measurement: None });
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

    /// `ON "db"`, or the database of the request.
    fn on(&mut self) -> Result<String, String> {
        if self.takes_word("ON") { self.name() } else { Ok(self.defaults.database.clone()) }
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
