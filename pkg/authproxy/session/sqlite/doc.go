// Package sqlite keeps sessions in a file, so that they outlive the process: a session.Store whose content is sealed,
// because a stolen file must show no token, no name and no address. It must not know how anybody logs in, nor where
// the keys come from.
//
// A session that was used lately is answered from memory. What that costs:
//
//   - Its last use reaches the file once a minute, or after a tenth of Session.Idle where that is sooner, and at Close.
//     A process that is killed loses no more than that, nor does a machine that loses power: logins and logouts are on
//     the disk before they are answered.
//   - Several processes on one machine may share a file. What one ends, another lets in for a quarter of a second at
//     most; and where a browser's requests go to both, a session may end sooner by that minute or tenth.
//
// Who can write the file cannot make a session or give one to somebody else, but can bring back one that was ended,
// from a copy. It belongs to the user of the proxy alone, and is made so.
package sqlite
