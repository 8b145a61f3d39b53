package service

import "strings"

// MatchRule names why a page was, or was not, matched to an application.
type MatchRule string

// The rules by which a page is matched: two independent readings agree and none
// contradicts.
const (
	MatchNumberName MatchRule = "number+name"  // every digit is sure, and the name agrees
	MatchReaderName MatchRule = "readers+name" // two readers agree on the number, and the name does
)

// The rules by which a page becomes a question.
const (
	MatchNotFound     MatchRule = "no blank"          // no blank on the page
	MatchEmpty        MatchRule = "empty"             // nothing on the page
	MatchNoNumber     MatchRule = "no number"         // too few digits can be read
	MatchUnsure       MatchRule = "number unsure"     // a digit is unsure, and the second reader does not settle it
	MatchDisagree     MatchRule = "readers disagree"  // the two readers of the number contradict each other
	MatchForeign      MatchRule = "number not listed" // the number is sure and belongs to nobody on the list
	MatchNameDiffers  MatchRule = "name differs"      // the number is sure, the name does not agree
	MatchNumberShared MatchRule = "number twice"      // two on the list have the number: the list is wrong
)

// Bounds of a name's agreement. Source: 48 drawn pages of all four severities
// compared with the twelve names of their list each.
const (
	nameAgrees = .79 // the better of the two alphabets
	nameOpen   = .35 // the worse of them: below it the line is covered, or another's
)

// MatchPage decides whose certificate a page is: the application, or 0 with the
// rule that left it to a person. It is pure; the list is closed.
func MatchPage(list []PrintedCertificate, r *PageReading) (int64, MatchRule) {
	switch {
	case r.Empty:
		return 0, MatchEmpty
	case !r.Located:
		return 0, MatchNotFound
	case r.Number == "":
		return 0, MatchNoNumber
	}
	number, rule := r.Number, MatchNumberName
	if strings.ContainsRune(number, '?') {
		if r.NumberSecond == "" {
			return 0, MatchNoNumber
		}
		switch agree(number, r.NumberSecond) {
		case numbersContradict:
			return 0, MatchDisagree
		case numbersOther:
			return 0, MatchUnsure
		case numbersAgree:
			number, rule = r.NumberSecond, MatchReaderName
		}
	}
	id := int64(0)
	for i := range list {
		for _, line := range list[i].Of(FieldRegistrationNumber) {
			if line.Text != number {
				continue
			}
			if id != 0 {
				return 0, MatchNumberShared
			}
			id = list[i].ApplicationID
		}
	}
	if id == 0 {
		return 0, MatchForeign
	}
	for _, c := range r.Candidates {
		if c.ApplicationID == id && max(c.Name, c.Latin) >= nameAgrees && (min(c.Name, c.Latin) >= nameOpen || c.Latin == -1) {
			return id, rule
		}
	}
	return 0, MatchNameDiffers
}

// How two readings of a number go together.
type numbersTogether int

const (
	numbersAgree      numbersTogether = iota // wherever both are sure
	numbersContradict                        // at a digit
	numbersOther                             // they are of different shapes
)

// agree compares a reading with erasures with a whole one.
func agree(erased, whole string) numbersTogether {
	if len(erased) != len(whole) {
		return numbersOther
	}
	for i := range erased {
		if erased[i] != '?' && erased[i] != whole[i] {
			return numbersContradict
		}
	}
	return numbersAgree
}
