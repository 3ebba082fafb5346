//! The text of configuration files: plain data in, text out; nothing is read or written here.
