// Package attack attacks the built program: each class of docs/security.md is a test named after it, which starts
// `ploomber-cloud proxy` as people do and speaks to it over sockets. It holds nothing but tests. What can be shown
// inside one process is tested where the code is; here it is shown once more where it counts.
//
// A test knows the proxy by its addresses, its log and its process only. The app behind it records what it gets, byte
// for byte; the OpenID provider misbehaves as it is told. When a proxy ends, its log is searched for every secret
// that the test has handed out, for traces of crashes and, under -race, for data races: see proxy_test.go.
package attack
