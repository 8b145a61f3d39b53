package service

// BlankQueries asks about blanks.
type BlankQueries interface{}

// BlankCommands changes what is known of blanks.
type BlankCommands interface{}

// Blanks accounts for the strict blanks of testing centres, one by one.
type Blanks struct {
	store Store
	now   Clock
}

// NewBlanks returns the use cases over store.
func NewBlanks(store Store, now Clock) *Blanks { return &Blanks{store: store, now: now} }
