// Package sqlite is a session.Store in a file, so that sessions outlive the process. The content is encrypted: a stolen
// file shows no token, name or address. The package does not know how users log in, nor where its keys come from.
//
// Recently used sessions are served from memory, with these consequences:
//
//   - The time of last use is written once a minute, or after a tenth of Session.Idle if that is sooner, and by Close.
//     A killed process or a power failure loses no more than that: logins and logouts are on the disk before the
//     response is sent.
//   - Several processes on one machine can share a file. After one of them ends a session, the others accept it for up
//     to 250 ms; and if a browser's requests reach several of them, its session may expire early by that minute or tenth.
//
// Write access to the file is not enough to create a session or to take over that of another user, but it is enough to
// restore an ended one from a copy. The file is therefore created for its owner only.
package sqlite
