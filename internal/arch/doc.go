// Package arch holds the rules of the module as tests: which package may import which, what is kept out of the
// binary, and what no file may contain. It reads the sources of the whole module, for every operating system,
// and must not know what any of them do. Each rule is a function that is also tried on a small source that
// breaks it, so that a rule that stopped working is noticed.
package arch
