//! What databases of InfluxDB 1.x hold, asked over HTTP.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::RealServer;

/// All values of a database, as JSON has them: series, field and time → value.
pub type Values = BTreeMap<(String, String, i64), String>;

impl RealServer {
    /// Makes a database of InfluxDB 1.x that keeps points for ever.
    ///
    /// # Panics
    /// If it is not made.
    #[track_caller]
    pub fn create_database(&self, name: &str) {
        self.ask(name, &format!("create database {name} with duration inf"));
    }

    /// What a database of InfluxDB 1.x holds.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn values(&self, database: &str) -> Values {
        // A regular expression does not find the measurement with a backslash.
        let query = r#"select * from /.*/ group by *; select * from "back\\slash" group by *"#;
        let mut values = Values::new();
        for series in self.ask(database, query) {
            let tags = series["tags"].as_object().cloned().unwrap_or_default();
            let tags: BTreeMap<_, _> = tags.into_iter().filter(|(_, value)| value != "").collect();
            let name = format!("{} {tags:?}", series["name"]);
            let columns = all(&series["columns"]);
            for row in all(&series["values"]) {
                let time = row[0].as_i64().expect("the first column is the time");
                for (column, value) in columns.iter().zip(all(&row)).skip(1) {
                    if !value.is_null() {
                        let field = column.as_str().expect("a column has a name").to_owned();
                        values.insert((name.clone(), field, time), value.to_string());
                    }
                }
            }
        }
        values
    }

    /// The fields of a database of InfluxDB 1.x by measurement, and their types, which JSON does not
    /// tell.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn field_types(&self, database: &str) -> Vec<Value> {
        self.ask(database, "show field keys")
    }

    /// The series that statements find.
    #[track_caller]
    fn ask(&self, database: &str, statements: &str) -> Vec<Value> {
        let query = utf8_percent_encode(statements, NON_ALPHANUMERIC);
        let answer = self.post(&format!("/query?db={database}&epoch=ns&q={query}"), "");
        assert_eq!(answer.status, 200, "{statements}: {}", answer.text());
        let answer: Value = serde_json::from_slice(&answer.body).expect("it answers JSON");
        all(&answer["results"]).iter().flat_map(|result| all(&result["series"])).collect()
    }
}

fn all(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
