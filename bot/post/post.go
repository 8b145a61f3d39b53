// Package post carries between the messenger and the store: updates into the
// inbox and from there to whoever answers them, notices out of the outbox. It
// knows nothing of what they say.
package post
