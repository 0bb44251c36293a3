// Empty: with it the compiler accepts the functions of argon.go whose bodies are elsewhere.
