package service_test

import (
	"testing"

	"flowbot/service"
)

// TestPagesAreDecidedByTwoReadings tells what one misreading, or one that is not
// sure, does to a page: nothing but a question.
func TestPagesAreDecidedByTwoReadings(t *testing.T) {
	t.Parallel()
	const mine, twin = "24-10-40538-000001-1", "24-10-40538-000007-1"
	list := printedNumbers(mine, "24-10-40538-000002-1")
	good := service.CandidateReading{ApplicationID: 1, Digits: .9, Name: .9, Latin: .9, NameWhite: .02, LatinWhite: .02}
	with := func(change func(c *service.CandidateReading)) []service.CandidateReading {
		c := good
		change(&c)
		return []service.CandidateReading{c}
	}
	for _, tt := range []struct {
		name string
		r    service.PageReading
		id   int64
		rule service.MatchRule
	}{
		{"number and name", service.PageReading{Number: mine}, 1, service.MatchNumberName},
		{"a number one digit off", service.PageReading{Number: twin}, 0, service.MatchForeign},
		{"an erased digit on which two more agree", service.PageReading{Number: "24-10-40538-00000?-1", NumberLikely: mine, NumberSecond: mine}, 1, service.MatchReaderName},
		{"an erased digit that only the second reader has", service.PageReading{Number: "24-10-40538-00000?-1", NumberLikely: "24-10-40538-00000?-1", NumberSecond: mine}, 0, service.MatchUnsure},
		{"an erased digit that only the net has", service.PageReading{Number: "24-10-40538-00000?-1", NumberLikely: mine}, 0, service.MatchNoNumber},
		{"an erased digit on which two disagree", service.PageReading{Number: "24-10-40538-00000?-1", NumberLikely: twin, NumberSecond: mine}, 0, service.MatchUnsure},
		{"a second reader that contradicts a sure digit", service.PageReading{Number: "24-10-40538-00000?-1", NumberLikely: mine, NumberSecond: "24-10-40539-000001-1"}, 0, service.MatchDisagree},
		{"a second reader that loses a letter", service.PageReading{Number: "24-10-40538-00000?-1", NumberLikely: mine, NumberSecond: "24-10-4053-000001-1"}, 0, service.MatchUnsure},
		{"a name under a stamp", service.PageReading{Number: mine, Candidates: with(func(c *service.CandidateReading) { c.Name, c.Latin = .65, .57 })}, 1, service.MatchNumberName},
		{"a name of which strokes are white", service.PageReading{Number: mine, Candidates: with(func(c *service.CandidateReading) { c.NameWhite = .35 })}, 0, service.MatchNameDiffers},
		{"a Latin name of which strokes are white", service.PageReading{Number: mine, Candidates: with(func(c *service.CandidateReading) { c.LatinWhite = .35 })}, 0, service.MatchNameDiffers},
		{"a name under a blot", service.PageReading{Number: mine, Candidates: with(func(c *service.CandidateReading) { c.Name, c.NameWhite = .3, 0 })}, 0, service.MatchNameDiffers},
		{"a name in one alphabet", service.PageReading{Number: mine, Candidates: with(func(c *service.CandidateReading) { c.Latin, c.LatinWhite = -1, 1 })}, 1, service.MatchNumberName},
		{"a name that was not compared", service.PageReading{Number: mine, Candidates: []service.CandidateReading{{ApplicationID: 2, Name: .9, Latin: .9}}}, 0, service.MatchNameDiffers},
		{"no number", service.PageReading{}, 0, service.MatchNoNumber},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := tt.r
			r.Located = true
			if r.Candidates == nil {
				r.Candidates = []service.CandidateReading{good}
			}
			if id, rule := service.MatchPage(list, &r); id != tt.id || rule != tt.rule {
				t.Errorf("matched %d by %q, want %d by %q", id, rule, tt.id, tt.rule)
			}
		})
	}
}

func TestNumbersOfTwoOnTheListMatchNobody(t *testing.T) {
	t.Parallel()
	const number = "24-10-40538-000001-1"
	r := &service.PageReading{Located: true, Number: number, Candidates: []service.CandidateReading{{ApplicationID: 1, Name: .9, Latin: .9}}}
	if id, rule := service.MatchPage(printedNumbers(number, number), r); id != 0 || rule != service.MatchNumberShared {
		t.Errorf("matched %d by %q", id, rule)
	}
}
