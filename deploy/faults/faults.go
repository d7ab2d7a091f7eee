// Package faults tests wxgate as a process under load while something around it
// fails: a replica ends, WeChat or an upstream is slow or away, nobody reads the
// log, a file is half-written, clients misbehave. Each test is a row of the fault
// table: it says what visitors see, and all rows share the checks of their end. The
// tests are a module of their own, so that the libraries that they need stay out of
// the gateway's go.mod.
package faults
