package service

import (
	"io"
	"time"
)

// CandidateQueries asks about candidates.
type CandidateQueries interface{}

// CandidateCommands changes what is known of candidates.
type CandidateCommands interface{}

// Candidates brings those who sit exams to the bot, and their certificates to
// them.
type Candidates struct {
	store   Store
	people  *People
	printer Printer
	files   FileStore
	random  io.Reader
	hold    time.Duration
	now     Clock
}

// NewCandidates returns the use cases over store. Random must be a source fit
// for secrets; hold is how long a loaded scan waits before it goes out.
func NewCandidates(store Store, people *People, printer Printer, files FileStore, random io.Reader, hold time.Duration, now Clock) *Candidates {
	return &Candidates{store: store, people: people, printer: printer, files: files, random: random, hold: hold, now: now}
}
