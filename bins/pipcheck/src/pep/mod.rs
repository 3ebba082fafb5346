//! The standards of Python packaging: names, versions, specifiers, markers, requirements, metadata.
