// Package sqlitefile opens a SQLite database that belongs to one program: accessible to its owner only, recognized by its
// application ID, migrated to the current schema, and set up so that a committed transaction survives a power failure. Several
// processes may open the same file.
//
// The package knows nothing about the content. Errors name the path.
package sqlitefile
