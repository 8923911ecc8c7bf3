// SPDX-License-Identifier: MIT
//! One JSON object a line. Names and texts here are our own: none needs escaping but the design.

use std::fmt::Write;

pub struct Line(String);

impl Line {
    pub fn event(event: &str) -> Self {
        Line(format!("{{\"event\":\"{event}\""))
    }

    /// An object inside of a line.
    pub fn object() -> Self {
        Line("{".into())
    }

    fn name(&mut self, name: &str) {
        let comma = if self.0.ends_with('{') { "" } else { "," };
        let _ = write!(self.0, "{comma}\"{name}\":");
    }

    pub fn number(mut self, name: &str, value: impl Into<Option<u64>>) -> Self {
        self.name(name);
        let _ = match value.into() {
            Some(value) => write!(self.0, "{value}"),
            None => write!(self.0, "null"),
        };
        self
    }

    pub fn float(mut self, name: &str, value: f64) -> Self {
        self.name(name);
        let _ = write!(self.0, "{value:.4}");
        self
    }

    pub fn text<'a>(mut self, name: &str, value: impl Into<Option<&'a str>>) -> Self {
        self.name(name);
        match value.into() {
            None => self.0.push_str("null"),
            Some(value) => {
                self.0.push('"');
                for c in value.chars() {
                    match c {
                        '"' | '\\' => self.0.extend(['\\', c]),
                        c if (c as u32) < 0x20 => {
                            let _ = write!(self.0, "\\u{:04x}", c as u32);
                        }
                        c => self.0.push(c),
                    }
                }
                self.0.push('"');
            }
        }
        self
    }

    /// What is JSON already.
    pub fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.0.push_str(json);
        self
    }

    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
