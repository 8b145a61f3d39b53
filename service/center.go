package service

import (
	"context"
	"time"
)

// Center is what a certificate's print needs of a testing centre. A center of
// which nothing is known yet has only its OrgID.
type Center struct {
	OrgID             int64     `bun:",pk"`
	NameInstrumental  string    // its name in the instrumental case: «Экзамен проведен …»
	IssueAddress      string    // where certificates are issued
	SignatoryPosition string    //
	SignatoryName     string    //
	BlankProfile      string    // code of a BlankProfile, "" when none is chosen
	PrinterID         int64     `bun:",nullzero"` // the printer chosen last; 0: none, no offsets
	Revision          int       // +1 on every change, 0 before the first
	UpdatedAt         time.Time `bun:",nullzero"` // UTC
}

// CenterQueries asks about testing centres.
type CenterQueries interface {
	// Center returns what is known of the testing centre, which may be nothing.
	Center(ctx context.Context, orgID int64) (*Center, error)
}

// CenterCommands changes testing centres.
type CenterCommands interface {
	// SaveCenter inserts what is known of the centre or takes its place.
	SaveCenter(ctx context.Context, c *Center) error
}

// Centers holds the use cases around the testing centres' own data.
type Centers struct {
	store Store
	now   Clock
}

// NewCenters returns the use cases over store.
func NewCenters(store Store, now Clock) *Centers { return &Centers{store: store, now: now} }
