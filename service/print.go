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
}

// GlyphError says that a text holds a letter that cannot be printed.
type GlyphError struct {
	Learner string // number of the learner's application; "" if the text is not a learner's
	Rune    rune
}

func (e *GlyphError) Error() string {
	if e.Learner == "" {
		return fmt.Sprintf("no glyph for %U", e.Rune)
	}
	return fmt.Sprintf("no glyph for %U in the row of learner %s", e.Rune, e.Learner)
}
