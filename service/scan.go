package service

import "time"

// Scan is the picture of a printed, signed certificate, as it was loaded for its
// application. None is ever changed or destroyed; a newer one takes its place.
type Scan struct {
	ID            int64 `bun:",pk,autoincrement"`
	ApplicationID int64
	Version       int    // from 1
	FileName      string // as the sender called it
	FileSHA       string // the original as it came
	CleanSHA      string // what the candidate gets
	BlankSeries   string // "" where the house has none
	BlankNumber   string
	Source        ScanSource
	LoadedBy      int64      `bun:",nullzero"`
	LoadedAt      time.Time  // UTC
	ReplacedAt    *time.Time // UTC; nil while it stands
}

// ScanSource is how a scan found its application.
type ScanSource string

// The sources.
const (
	ScanByPerson  ScanSource = "person"  // loaded for this application
	ScanByArchive ScanSource = "archive" // by its name in a zip
)

// ScanQueries asks about scans.
type ScanQueries interface{}

// ScanCommands changes scans.
type ScanCommands interface{}

// Scans loads the scans of certificates and notes that papers were handed over.
type Scans struct {
	store   Store
	files   FileStore
	uploads *Uploads
	hold    time.Duration
	now     Clock
}

// NewScans returns the use cases over store. Hold is how long a loaded scan
// waits before it goes to its candidate.
func NewScans(store Store, files FileStore, uploads *Uploads, hold time.Duration, now Clock) *Scans {
	return &Scans{store: store, files: files, uploads: uploads, hold: hold, now: now}
}
