package service

import "context"

// PageList is what the pages of a batch are read against: the closed list of the
// certificates that were printed, and the blanks they were printed on.
type PageList struct {
	Key          string // names the content: equal keys, equal lists
	Profile      BlankProfile
	Certificates []PrintedCertificate
}

// RecognisedPage is what came of reading a page.
type RecognisedPage struct {
	Reading PageReading
	Clean   []byte // JPEG: turned upright, cropped to the blank where it was found, without metadata
	Thumb   []byte // JPEG, upright, at most 240 pixels long
}

// ShownPage is a page as a person sees it who has to decide.
type ShownPage struct {
	View  []byte // JPEG of the upright blank, or of the page where none was found
	Lines []byte // JPEG of the registration number above the name, enlarged; nil where no blank was found
}

// Recogniser reads scanned pages in processes of its own, one for each core. A
// page that kills its process, or takes longer than any honest one, is an Invalid
// error of ReasonPageUnreadable; any other error is ours and worth another try.
// It is safe for concurrent use; calls beyond the number of processes wait.
type Recogniser interface {
	// Recognise reads a page, a JPEG.
	Recognise(ctx context.Context, list *PageList, page []byte) (*RecognisedPage, error)
	// Show draws a page that was read before.
	Show(ctx context.Context, profile *BlankProfile, page []byte, r *PageReading) (*ShownPage, error)
}

// ReasonPageUnreadable is the refusal of a page that cannot be worked at all.
const ReasonPageUnreadable Reason = "page.unreadable"
