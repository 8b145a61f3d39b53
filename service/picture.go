package service

// PageMark is what became of a scanned page, as the picture of a batch shows it.
type PageMark string

// The marks.
const (
	MarkMatched  PageMark = "matched"  // it found its application: green
	MarkQuestion PageMark = "question" // a person must decide: amber
	MarkAside    PageMark = "aside"    // empty, a duplicate or no certificate: gray
)

// PageThumb is a page of a batch on the picture of all its pages.
type PageThumb struct {
	Number int    // of the page in the batch, from 1
	JPEG   []byte // small and upright; what cannot be read leaves its place empty
	Mark   PageMark
}
