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
	MatchSeveral      MatchRule = "several blanks"    // more than one blank on the page: it is nobody's scan
	MatchEmpty        MatchRule = "empty"             // nothing on the page
	MatchNoNumber     MatchRule = "no number"         // too few digits can be read
	MatchUnsure       MatchRule = "number unsure"     // a digit is unsure, and the second reader does not settle it
	MatchDisagree     MatchRule = "readers disagree"  // the two readers of the number contradict each other
	MatchForeign      MatchRule = "number not listed" // the number is sure and belongs to nobody on the list
	MatchNameDiffers  MatchRule = "name differs"      // the number is sure, the name does not agree
	MatchNumberShared MatchRule = "number twice"      // two on the list have the number: the list is wrong
)

// MatchRules are all of the above.
var MatchRules = []MatchRule{
	MatchNumberName, MatchReaderName,
	MatchNotFound, MatchSeveral, MatchEmpty, MatchNoNumber, MatchUnsure, MatchDisagree, MatchForeign, MatchNameDiffers, MatchNumberShared,
}

// Bounds of a name's agreement. Source: 348 drawn pages of all four severities, each
// compared with its own name and with twelve others of its list, relatives among
// them: of its own name at most .09 were white and every line was alike by .65; of
// any other name that was alike by .55 at least .32 were white.
const (
	nameAlikeLeast = .55 // how well each alphabet's line agrees at least
	nameWhiteMost  = .20 // share of its strokes that may be white where most are
)

// AgreesByName reports whether the name on the page is the application's: whatever
// was printed of it is there, in both alphabets. Other ink may lie over it, paper
// may not show where a stroke must be.
func (c *CandidateReading) AgreesByName() bool {
	if c.Name < nameAlikeLeast || c.NameWhite > nameWhiteMost {
		return false
	}
	return c.Latin == -1 || c.Latin >= nameAlikeLeast && c.LatinWhite <= nameWhiteMost
}

// DeniesName reports whether the name on the page is not the application's: in one of
// the alphabets paper shows where a stroke of it would be. A name that other ink
// hides is not denied.
func (c *CandidateReading) DeniesName() bool {
	return c.Name > -1 && c.NameWhite > nameWhiteMost || c.Latin > -1 && c.LatinWhite > nameWhiteMost
}

// ByName puts applications in order by their names, the likeliest highest: what
// agrees less what is white, of the worse alphabet. It decides nothing.
func (c *CandidateReading) ByName() float64 {
	score := c.Name - c.NameWhite
	if c.Latin > -1 {
		score = min(score, c.Latin-c.LatinWhite)
	}
	return score
}

// MatchPage decides whose certificate a page is: the application, or 0 with the
// rule that left it to a person. It is pure; the list is closed.
func MatchPage(list []PrintedCertificate, r *PageReading) (int64, MatchRule) {
	switch {
	case r.Empty:
		return 0, MatchEmpty
	case r.Several:
		return 0, MatchSeveral
	case !r.Located:
		return 0, MatchNotFound
	case r.Number == "":
		return 0, MatchNoNumber
	}
	number, rule := settledNumber(r)
	if number == "" {
		return 0, rule
	}
	owners := ownersOf(list, number)
	switch {
	case len(owners) == 0:
		return 0, MatchForeign
	case len(owners) > 1:
		return 0, MatchNumberShared
	}
	id := owners[0]
	for _, c := range r.Candidates {
		if c.ApplicationID == id && c.AgreesByName() {
			return id, rule
		}
	}
	return 0, MatchNameDiffers
}

// ownersOf lists the applications whose printed number is this one.
func ownersOf(list []PrintedCertificate, number string) []int64 {
	var out []int64
	for i := range list {
		for _, line := range list[i].Of(FieldRegistrationNumber) {
			if line.Text == number {
				out = append(out, list[i].ApplicationID)
			}
		}
	}
	return out
}

// claimOf is the application whose number surely stands on a page, whatever the
// name says; 0 for none.
func claimOf(list []PrintedCertificate, r *PageReading) int64 {
	if r.Empty || !r.Located || r.Number == "" {
		return 0
	}
	number, _ := settledNumber(r)
	if owners := ownersOf(list, number); number != "" && len(owners) == 1 {
		return owners[0]
	}
	return 0
}

// settledNumber is the number on a page, and the rule that settles it, or "" and the
// rule that leaves it open. What is erased in the first reading takes two more that
// are independent of each other and agree: the net's, and the second reader's.
func settledNumber(r *PageReading) (string, MatchRule) {
	if !strings.ContainsRune(r.Number, '?') {
		return r.Number, MatchNumberName
	}
	if r.NumberSecond == "" {
		return "", MatchNoNumber
	}
	switch agree(r.Number, r.NumberSecond) {
	case numbersContradict:
		return "", MatchDisagree
	case numbersOther:
		return "", MatchUnsure
	case numbersAgree:
	}
	if len(r.NumberLikely) != len(r.Number) {
		return "", MatchUnsure
	}
	for i := range r.Number {
		if r.Number[i] == '?' && r.NumberLikely[i] != r.NumberSecond[i] {
			return "", MatchUnsure
		}
	}
	return r.NumberSecond, MatchReaderName
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
