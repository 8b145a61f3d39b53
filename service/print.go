package service

import (
	"context"
	"fmt"
)

// ActForm is everything that the printed act says. The form's fixed words and
// its layout belong to the printer.
type ActForm struct {
	Number      string // as people name it, such as 118/1
	Version     int    // of the act's document, from 1
	Date        Day    // of the act; also the date that the file itself carries
	Partner     string
	PartnerINN  string // may be empty
	Cohort      string // its number
	Program     string
	ProgramKind string
	Hours       int
	Start       Day
	End         Day
	Learners    []ActFormLearner // in the order of the table
}

// ActFormLearner is one row of the act's table.
type ActFormLearner struct {
	Number             string // of the learner's application
	Name               string
	DocType            int    // as the import numbers them, 1 to 7
	DocTypeName        string // in words
	Series             string // may be empty
	DocNumber          string
	RegistrationNumber string
	IssuedOn           Day
	SentOn             *Day // when the document was sent to the learner; nil if it was not
	InFRDO             bool // entered in ФИС ФРДО
}

// Printer draws printed forms. The same form gives the same bytes. It is safe
// for concurrent use.
type Printer interface {
	// Act returns the act as a PDF. A letter that the form's type does not have
	// is a *GlyphError: nothing is left out silently.
	Act(ctx context.Context, f ActForm) ([]byte, error)
	// Slips returns the slips of candidates as a PDF for A4. A name that the
	// form's type cannot print gives way to the Latin one, then to the number.
	Slips(ctx context.Context, f SlipForm) ([]byte, error)
	// Certificates returns certificates for blanks as a PDF, one A4 sheet each, in
	// the order of the form. Each text stands in its field of the profile and is
	// shrunk and broken as the profile allows; one that still does not fit is a
	// *FitError: nothing is cut. A letter that the type does not have is a
	// *GlyphError.
	Certificates(ctx context.Context, f CertificateForm) ([]byte, error)
	// CertificateLines tells where on the blank each line of certificates stands, in
	// the order of the form. What Certificates refuses it refuses, too; the
	// printer's offsets are passed over.
	CertificateLines(ctx context.Context, f CertificateForm) ([][]PrintedLine, error)
	// ScanPage returns a PDF of one page that shows a picture, a JPEG in gray or
	// three colours, byte for byte as it is and nothing else, not even when it was
	// made. The page is as large as so many dots an inch make the picture; 0 fits it
	// on A4.
	ScanPage(ctx context.Context, jpeg []byte, dots float64) ([]byte, error)
	// Trial returns a page for trying a printer on a copy of the blank: its frame,
	// rulers, what the printing house has printed on it, a sample in each field.
	Trial(ctx context.Context, f TrialForm) ([]byte, error)
}

// TrialForm is everything that a trial page says.
type TrialForm struct {
	Profile BlankProfile
	Printer string // its name; "" without one
	RightBy int    // tenths of a millimetre, as in a CertificateForm
	DownBy  int    // tenths of a millimetre, as in a CertificateForm
}

// FitError says that a text of a certificate finds no room in its field.
type FitError struct {
	Application string // number
	Field       Field
	OffSheet    bool // there is room, but the printer's offsets move it off the sheet
}

func (e *FitError) Error() string {
	if e.OffSheet {
		return fmt.Sprintf("%s of application %s is moved off the sheet", e.Field, e.Application)
	}
	return fmt.Sprintf("%s of application %s does not fit", e.Field, e.Application)
}

// GlyphError says that a text holds a letter that cannot be printed.
type GlyphError struct {
	Learner     string // number of the learner's application; "" if the text is not a learner's
	Application string // number of the candidate's application; "" if the text is not a candidate's
	Rune        rune
}

func (e *GlyphError) Error() string {
	switch {
	case e.Learner != "":
		return fmt.Sprintf("no glyph for %U in the row of learner %s", e.Rune, e.Learner)
	case e.Application != "":
		return fmt.Sprintf("no glyph for %U in the certificate of application %s", e.Rune, e.Application)
	}
	return fmt.Sprintf("no glyph for %U", e.Rune)
}
