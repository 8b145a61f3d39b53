package service

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
)

// PrintedLine is one line of print as it stands on a blank.
type PrintedLine struct {
	Field  Field
	Text   string  // as it is printed, capitals and all
	X, Y   float64 // start of the baseline, in millimetres from the blank's top left corner
	Face   Face
	Points float64 // size of the type
}

// PrintedCertificate is what was printed for one application.
type PrintedCertificate struct {
	ApplicationID int64
	Lines         []PrintedLine
	Outdated      bool // the application has another name or number by now: the paper may be somebody else's
}

// seal names what tells a certificate from others: its number and its names.
func (c *PrintedCertificate) seal() string {
	h := sha256.New()
	for _, f := range []Field{FieldRegistrationNumber, FieldName, FieldNameLatin} {
		for _, l := range c.Of(f) {
			_, _ = io.WriteString(h, l.Text+"\n") // never fails
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Of lists the lines of a field.
func (c *PrintedCertificate) Of(f Field) []PrintedLine {
	var out []PrintedLine
	for _, l := range c.Lines {
		if l.Field == f {
			out = append(out, l)
		}
	}
	return out
}

// PageReading is what was read on a scanned page. It is evidence: it decides
// nothing.
type PageReading struct {
	Width, Height int     // of the page, in pixels
	Located       bool    // the frame of the blank was found
	Turn          int     // degrees clockwise by which the page must be turned to stand upright, a multiple of 90
	Resolution    float64 // dots an inch, from the size of the blank; 0 when it was not found
	Corners       [4]Spot // of the blank, from its top left corner clockwise, in pixels of the page
	Empty         bool    // nothing is written on it
	Several       bool    // more than one blank was seen on it: then nothing else was read

	Number       string  // registration number by its letters, '?' where one is not sure; "" if none was seen
	NumberAlign  float64 // how well the line of the number agrees, from -1 to 1
	NumberLikely string  // the number with what is only likely where it is not sure, '?' where nothing is
	NumberSecond string  // the number as the second reader has it, asked where the first was unsure
	Candidates   []CandidateReading

	BlankCode   string   // number of the blank by its bar code, '?' where a digit is not sure; "" if it was not read
	BlankKind   string   // of the bar code: which symbols it is written in
	BlankDigits string   // number of the blank by its digits, '?' where one is not sure; "" if they were not read
	BlankMaybe  []string // for each of the digits all that it can be, the likeliest first; nil if they were not read
	BlankSeries string   // "" if it was not read, or the house has none
}

// Spot is a place on a page, in pixels.
type Spot struct{ X, Y float64 }

// CandidateReading is how well a page agrees with one application, each from -1 to
// 1; -1 is also what was not compared.
type CandidateReading struct {
	ApplicationID int64
	Seal          string  // of the certificate that it was compared with
	Digits        float64 // mean of the digits of its number
	Name          float64 // the worst of its lines
	Latin         float64
	IssuedOn      float64
	NameWhite     float64 // share of the name's strokes that the page does not show, where most are missing; 1 where nothing was compared
	LatinWhite    float64
}

// seal writes down which certificates of a list a page was compared with.
func (r *PageReading) seal(list []PrintedCertificate) {
	for i := range r.Candidates {
		if c := printedFor(list, r.Candidates[i].ApplicationID); c != nil {
			r.Candidates[i].Seal = c.seal()
		}
	}
}

// against is a reading as far as it holds for a list as it is now: what was
// compared with another name or number than the application has counts as not
// compared.
func (r *PageReading) against(list []PrintedCertificate) *PageReading {
	out := *r
	out.Candidates = slices.DeleteFunc(slices.Clone(r.Candidates), func(one CandidateReading) bool {
		c := printedFor(list, one.ApplicationID)
		return c == nil || c.Outdated || c.seal() != one.Seal
	})
	return &out
}

// readingOf reads what was written down; nil for nothing.
func readingOf(evidence json.RawMessage) (*PageReading, error) {
	if evidence == nil {
		return nil, nil //nolint:nilnil // nothing was read, which is no error
	}
	r := &PageReading{}
	return r, json.Unmarshal(evidence, r)
}
