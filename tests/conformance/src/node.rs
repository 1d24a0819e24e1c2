//! Apps made with rivetkit, and clients of them: unmodified packages from npm.
