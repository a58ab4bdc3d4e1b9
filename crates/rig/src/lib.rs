//! Drives telephones, servers and judges that other people made, each test in a network namespace of its own.
