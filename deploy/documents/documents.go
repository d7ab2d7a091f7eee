// Package documents tests the documents of the repository, every file that ends with
// .md: the shell blocks run as printed, the blocks of other languages parse or
// compile, links lead somewhere, and the Chinese documents have the commands and the
// variables of the English ones.
//
// A fenced sh block runs in a clone of the repository, after the earlier blocks of its
// document. A block that needs more than a shell and Go has a line before its fence
// that says what: <!-- needs: curl, jq -->. It runs where these programs are installed.
package documents
