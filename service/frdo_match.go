package service

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strconv"
)

// NumberVerdict is what becomes of a row of a table with registration numbers.
type NumberVerdict string

// The verdicts. Only matched rows are ever written.
const (
	NumberMatched       NumberVerdict = "matched"
	NumberSame          NumberVerdict = "same"           // the application has this very number already
	NumberOtherDay      NumberVerdict = "other_day"      // it has, issued on another day
	NumberNotHere       NumberVerdict = "not_here"       // no application of this exam is of this person
	NumberAmbiguous     NumberVerdict = "ambiguous"      // several are
	NumberOther         NumberVerdict = "other"          // the application has another number
	NumberTyped         NumberVerdict = "typed"          // it has another number or day, which a person typed: see Frdo.Reconcile
	NumberTaken         NumberVerdict = "taken"          // another application of the installation has the number
	NumberRepeated      NumberVerdict = "repeated"       // another row has the number
	NumberTwoRows       NumberVerdict = "two_rows"       // another row is about the same application
	NumberOtherDocument NumberVerdict = "other_document" // the application has another identity document
	NumberNotEntitled   NumberVerdict = "not_entitled"   // not passed, or with violations
	NumberBadNumber     NumberVerdict = "bad_number"     // no registration number
	NumberBadDate       NumberVerdict = "bad_date"       // no date of issue
	NumberFuture        NumberVerdict = "future"         // issued later than today
	NumberBeforeExam    NumberVerdict = "before_exam"    // issued before the exam
	NumberBadBirth      NumberVerdict = "bad_birth"      // no birth date
	NumberNoName        NumberVerdict = "no_name"        //
	NumberNameAlone     NumberVerdict = "name_alone"     // neither birth date nor identity document
	NumberMissing       NumberVerdict = "missing"        // the row has no number yet
)

// numberScene is what the rows of a table are held against.
type numberScene struct {
	heldOn Day // of the exam
	today  Day // in the center's zone
	all    []Application
	taken  map[string]int64 // which application of the installation has a number
}

// mostOthers is how many applications an ambiguous row names: they are said in a
// message.
const mostOthers = 5

// matchNumbers finds for every row the application that it is about and tells
// what becomes of it. Nobody is found by the name alone: of birth date, type and
// identity document whatever the row has must agree with the application, and one
// of birth date and document it must have. The order of rows and of applications
// does not matter.
func matchNumbers(rows []NumberRow, sc numberScene) []NumberRow {
	out := slices.Clone(rows)
	byName := map[string][]*Application{}
	for i := range sc.all {
		name := foldName(sc.all[i].Name())
		byName[name] = append(byName[name], &sc.all[i])
	}
	for _, list := range byName {
		slices.SortFunc(list, func(a, b *Application) int { return cmp.Compare(a.ID, b.ID) })
	}
	found := make([]*Application, len(out))
	for i := range out {
		found[i] = sc.find(&out[i], byName[foldName(out[i].Name)])
	}
	sameNumber, sameApplication := map[string][]int{}, map[int64][]int{}
	for i := range out {
		if f := out[i].Fault; out[i].Number != "" && f != NumberBadNumber && f != NumberMissing {
			key := alikeNumber(out[i].Number)
			sameNumber[key] = append(sameNumber[key], i)
		}
		if found[i] != nil && out[i].Fault != NumberMissing {
			sameApplication[found[i].ID] = append(sameApplication[found[i].ID], i)
		}
	}
	for i := range out {
		r := &out[i]
		if r.Fault != "" {
			r.Verdict = r.Fault
			continue
		}
		if n := another(out, sameNumber[alikeNumber(r.Number)], i); n != 0 {
			r.Verdict, r.SameAs = NumberRepeated, n
			continue
		}
		if r.Verdict != "" { // none is found
			continue
		}
		r.Verdict = sc.judge(r, found[i])
		n := another(out, sameApplication[found[i].ID], i)
		if n != 0 && (r.Verdict == NumberMatched || r.Verdict == NumberTyped) {
			r.Verdict, r.SameAs = NumberTwoRows, n
		}
	}
	sc.release(out)
	return out
}

// release finds which typed numbers the rows can take the place of: a number that
// stands at another application is free only if its place is taken there, too.
func (sc *numberScene) release(rows []NumberRow) {
	for again := true; again; {
		again = false
		leaves := map[int64]bool{} // applications whose number is taken the place of by another
		for i := range rows {
			r := &rows[i]
			if r.Verdict == NumberTyped && alikeNumber(r.Has) != alikeNumber(r.Number) {
				leaves[r.Application] = true
			}
		}
		for i := range rows {
			r := &rows[i]
			if holder := sc.taken[r.Number]; r.Verdict == NumberTyped && holder != 0 && holder != r.Application && !leaves[holder] {
				r.Verdict, again = NumberTaken, true
			}
		}
	}
}

// alikeNumber makes registration numbers comparable: people see letters, not
// their alphabets.
func alikeNumber(number string) string { return foldName(number) }

// another is the row number of the first other of some rows, 0 when there is
// none.
func another(rows []NumberRow, some []int, but int) int {
	least := 0
	for _, i := range some {
		if i != but && (least == 0 || rows[i].Row < least) {
			least = rows[i].Row
		}
	}
	return least
}

// find returns the application that a row is about. When there is none, or more
// than one, the row's verdict says why.
func (sc *numberScene) find(r *NumberRow, named []*Application) *Application {
	r.Verdict, r.Application, r.Of, r.Others, r.SameAs = "", 0, "", nil, 0
	r.Has, r.HasOn, r.Typed, r.Holder, r.HolderTyped = "", Day{}, false, "", false
	document := foldDocument(r.Document)
	var agree, doubtful []*Application
	for _, a := range named {
		switch own := foldDocument(a.IdentityDocument); {
		case r.Fault == NumberBadBirth || r.Fault == NumberNameAlone:
		case !r.BornOn.IsZero() && r.BornOn != a.BornOn:
		case r.Level != "" && r.Level != a.Level:
		case document == "" || own == "":
			if !r.BornOn.IsZero() {
				agree = append(agree, a)
			}
		case sameDocument(document, own):
			agree = append(agree, a)
		default:
			doubtful = append(doubtful, a)
		}
	}
	switch {
	case len(agree) == 1:
		r.Application, r.Of = agree[0].ID, agree[0].Number
		return agree[0]
	case len(agree) > 1:
		r.Verdict = NumberAmbiguous
		for _, a := range agree[:min(len(agree), mostOthers)] {
			r.Others = append(r.Others, a.Number)
		}
	case len(doubtful) == 1 && !r.BornOn.IsZero():
		r.Verdict, r.Of = NumberOtherDocument, doubtful[0].Number
	default:
		r.Verdict = NumberNotHere
	}
	return nil
}

// judge tells what becomes of a row that is about the application.
func (sc *numberScene) judge(r *NumberRow, a *Application) NumberVerdict {
	r.Has, r.HasOn, r.Typed = a.RegistrationNumber, a.IssuedOn, a.NumberTyped
	holder := sc.taken[r.Number]
	same := r.Has != "" && alikeNumber(r.Has) == alikeNumber(r.Number)
	switch {
	case same && r.IssuedOn == a.IssuedOn:
		return NumberSame
	case same && !a.NumberTyped:
		return NumberOtherDay
	case r.Has != "" && !a.NumberTyped:
		return NumberOther
	case !a.Entitled():
		return NumberNotEntitled
	case r.IssuedOn.After(sc.today):
		return NumberFuture
	case r.IssuedOn.Before(sc.heldOn):
		return NumberBeforeExam
	case r.Has != "":
		return NumberTyped
	case holder != 0 && holder != a.ID:
		return NumberTaken
	}
	return NumberMatched
}

// NumbersReport is what an import of registration numbers would do.
type NumbersReport struct {
	Exam      string // number
	Rows      []NumberRow
	Matched   int
	Remaining int    // entitled applications that would have no number still
	Elsewhere string // number of another exam of the center that most rows are about, "" when there is none
	Digest    int64  // of everything that the report says; never 0
	First     int64  // digest of the report with which the table was returned
}

// Count counts the rows with the verdict.
func (r *NumbersReport) Count(v string) int {
	n := 0
	for i := range r.Rows {
		if string(r.Rows[i].Verdict) == v {
			n++
		}
	}
	return n
}

// Reconcilable counts the rows about numbers that a person typed: those that the
// file has otherwise, and those that it confirms.
func (r *NumbersReport) Reconcilable() int {
	n := 0
	for i := range r.Rows {
		if r.Rows[i].reconciles() {
			n++
		}
	}
	return n
}

// Confirmed counts the rows that confirm a number that a person typed.
func (r *NumbersReport) Confirmed() int { return r.Reconcilable() - r.Count(string(NumberTyped)) }

// reconciles reports whether a row is about a number that a person typed, and that
// it may take the place of or confirm.
func (r *NumberRow) reconciles() bool {
	return r.Verdict == NumberTyped || r.Verdict == NumberSame && r.Typed
}

// Typed are the rows that have otherwise what a person typed, in the order of the
// file, at most so many.
func (r *NumbersReport) Typed(most int) []NumberRow {
	var out []NumberRow
	for i := range r.Rows {
		if r.Rows[i].Verdict == NumberTyped && len(out) < most {
			out = append(out, r.Rows[i])
		}
	}
	return out
}

// names reports whether a row deserves words of its own: what became of the others
// their count tells, and so does the exam that they are of.
func (r *NumbersReport) names(row *NumberRow) bool {
	switch row.Verdict {
	case NumberMatched, NumberSame, NumberMissing:
		return false
	case NumberNotHere:
		return r.Elsewhere == ""
	case NumberOtherDay, NumberAmbiguous, NumberOther, NumberTyped, NumberTaken, NumberRepeated, NumberTwoRows, NumberOtherDocument, NumberNotEntitled,
		NumberBadNumber, NumberBadDate, NumberFuture, NumberBeforeExam, NumberBadBirth, NumberNoName, NumberNameAlone:
	}
	return true
}

// Refused are the rows that would not be written and say more than their count
// does, in the order of the file, at most so many.
func (r *NumbersReport) Refused(most int) []NumberRow {
	var out []NumberRow
	for i := range r.Rows {
		if r.names(&r.Rows[i]) && len(out) < most {
			out = append(out, r.Rows[i])
		}
	}
	return out
}

// RefusedBeyond counts those that Refused leaves out.
func (r *NumbersReport) RefusedBeyond(most int) int {
	n := -most
	for i := range r.Rows {
		if r.names(&r.Rows[i]) {
			n++
		}
	}
	return max(n, 0)
}

// newNumbersReport counts what matching has found.
func newNumbersReport(exam string, rows []NumberRow, applications []Application) *NumbersReport {
	r := &NumbersReport{Exam: exam, Rows: rows}
	h := fnv.New64a()
	put := func(words ...string) {
		for _, w := range words {
			_, _ = h.Write(append([]byte(w), 0)) // never fails, see hash.Hash
		}
	}
	for i := range rows {
		row := &rows[i]
		if row.Verdict == NumberMatched {
			r.Matched++
		}
		put(string(row.Verdict), row.Number, row.IssuedOn.String(), row.Has, row.HasOn.String(), strconv.FormatBool(row.Typed))
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(row.Application))) //nolint:gosec // bits, not an amount
	}
	for i := range applications {
		if a := &applications[i]; a.Entitled() && a.RegistrationNumber == "" {
			r.Remaining++
		}
	}
	r.Remaining -= r.Matched
	put(r.Exam)
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(r.Remaining))) //nolint:gosec // bits, not an amount
	r.Digest = int64(h.Sum64()>>2) | 1                                      // the sign is shifted out
	return r
}

// byElsewhere returns which exam most rows are about that are of nobody here,
// given the applications of other exams; 0 when no exam has most of the rows.
func byElsewhere(rows []NumberRow, others []Application) int64 {
	byExam := map[int64][]Application{}
	for i := range others {
		byExam[others[i].ExamID] = append(byExam[others[i].ExamID], others[i])
	}
	var best int64
	most := len(rows) / 2
	for exam, list := range byExam {
		n := 0
		for _, r := range matchNumbers(rows, numberScene{all: list}) {
			if r.Application != 0 {
				n++
			}
		}
		if n > most || n == most && best != 0 && exam > best {
			best, most = exam, n
		}
	}
	return best
}
