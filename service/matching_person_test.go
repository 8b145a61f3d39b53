package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// printedNumbers are certificates of the applications 1, 2 and so on.
func printedNumbers(numbers ...string) []service.PrintedCertificate {
	var out []service.PrintedCertificate
	for i, n := range numbers {
		out = append(out, service.PrintedCertificate{
			ApplicationID: int64(i + 1),
			Lines:         []service.PrintedLine{{Field: service.FieldRegistrationNumber, Text: n}},
		})
	}
	return out
}

func TestAPersonsChoiceIsSupportedOnlyByWhatSinglesItOut(t *testing.T) {
	t.Parallel()

	list := printedNumbers("24-10-40538-000001-1", "24-10-40538-000002-1", "24-10-40538-000003-1")
	names := func(scores ...float64) []service.CandidateReading {
		var out []service.CandidateReading
		for i, s := range scores {
			out = append(out, service.CandidateReading{ApplicationID: int64(i + 1), Name: s, Latin: -1})
		}
		return out
	}
	tests := []struct {
		name    string
		reading service.PageReading
		choice  int64
		want    bool
	}{
		{"every digit is sure", service.PageReading{Number: "24-10-40538-000002-1"}, 2, true},
		{"the digit that tells them apart is sure", service.PageReading{Number: "2?-1?-4?538-0?0002-?"}, 2, true},
		{"all are sure but the digit that tells them apart", service.PageReading{Number: "24-10-40538-00000?-1"}, 2, false},
		{"few digits are sure", service.PageReading{Number: "??-??-?????-?00002-?"}, 2, false},
		{"a sure digit is another's", service.PageReading{Number: "24-10-40538-000003-1", Candidates: names(.1, .95, .1)}, 2, false},
		{"the second reader contradicts", service.PageReading{
			Number: "24-10-40538-00000?-1", NumberSecond: "24-10-40538-000001-1", Candidates: names(.1, .95, .1),
		}, 2, false},
		{"the name is another's, although every digit is sure", service.PageReading{Number: "24-10-40538-000002-1", Candidates: names(.95, .3, .1)}, 2, false},
		{"the name agrees with nobody else", service.PageReading{Candidates: names(.5, .9, .1)}, 2, true},
		{"the name is a namesake's too", service.PageReading{Candidates: names(.92, .9, .1)}, 2, false},
		{"the name is another's", service.PageReading{Candidates: names(.92, .3, .1)}, 2, false},
		{"paper shows where strokes of the name would be, although every digit is sure", service.PageReading{
			Number: "24-10-40538-000002-1", Candidates: []service.CandidateReading{{ApplicationID: 2, Name: .58, NameWhite: .66, Latin: .37, LatinWhite: .62}},
		}, 2, false},
		{"only one alphabet denies the name", service.PageReading{
			Number: "24-10-40538-000002-1", Candidates: []service.CandidateReading{{ApplicationID: 2, Name: .9, Latin: .6, LatinWhite: .4}},
		}, 2, false},
		{"other ink hides the name, every digit is sure", service.PageReading{
			Number: "24-10-40538-000002-1", Candidates: []service.CandidateReading{{ApplicationID: 2, Name: .2, NameWhite: .05, Latin: .3, LatinWhite: .1}},
		}, 2, true},
		{"nothing was read", service.PageReading{}, 2, false},
		{"the application is not on the list", service.PageReading{Number: "24-10-40538-000002-1"}, 9, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := service.Supported(list, &tt.reading, tt.choice); got != tt.want {
				t.Errorf("supported: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTheLikeliestApplicationsComeFirst(t *testing.T) {
	t.Parallel()

	list := printedNumbers("24-10-40538-000001-1", "24-10-40538-000002-1", "24-10-40538-000003-1", "24-10-40538-000004-1")
	tests := []struct {
		name    string
		reading service.PageReading
		want    []int64
	}{
		{"by number and name together", service.PageReading{Candidates: []service.CandidateReading{
			{ApplicationID: 1, Digits: .5, Name: .1, Latin: -1},
			{ApplicationID: 2, Digits: .4, Name: .9, Latin: -1},
			{ApplicationID: 3, Digits: .6, Name: .3, Latin: .4, NameWhite: .1},
			{ApplicationID: 4, Digits: .1, Name: .1, Latin: -1},
		}}, []int64{2, 3, 1}},
		{"what a sure digit contradicts comes last", service.PageReading{Number: "??-??-?????-?????3-?", Candidates: []service.CandidateReading{
			{ApplicationID: 1, Digits: .8, Name: .5, Latin: -1}, {ApplicationID: 3, Digits: .6, Name: .3, Latin: -1},
		}}, []int64{3, 1}},
		{"paper under strokes speaks against a name that is alike", service.PageReading{Candidates: []service.CandidateReading{
			{ApplicationID: 1, Digits: .24, Name: .82, NameWhite: .31, Latin: .68, LatinWhite: .47}, {ApplicationID: 2, Digits: .24, Name: .75, NameWhite: .04, Latin: .7, LatinWhite: .05},
		}}, []int64{2, 1}},
		{"whoever is not listed is left out", service.PageReading{Candidates: []service.CandidateReading{
			{ApplicationID: 9, Digits: 1, Name: 1, Latin: 1}, {ApplicationID: 1, Digits: .1, Name: .1, Latin: -1},
		}}, []int64{1}},
		{"nothing was read", service.PageReading{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, service.LikelyApplications(list, &tt.reading)); diff != "" {
				t.Errorf("likely (-want +got):\n%s", diff)
			}
		})
	}
}
