package service

import (
	"cmp"
	"slices"
	"strings"
)

// mostLikely is how many applications a person is offered for a page. Source: the
// product's owner.
const mostLikely = 3

// LikelyApplications returns the applications of the list that a page belongs to
// most likely, best first, at most three, for a person to choose from: those with
// which the number and the name agree best, and that no sure digit contradicts. It
// decides nothing.
func LikelyApplications(list []PrintedCertificate, r *PageReading) []int64 {
	type likely struct {
		id    int64
		score float64
	}
	var all []likely
	for _, c := range r.Candidates {
		printed := printedFor(list, c.ApplicationID)
		if printed == nil {
			continue
		}
		score := c.Digits + c.ByName()
		if contradicted(printed, r) {
			score--
		}
		all = append(all, likely{c.ApplicationID, score})
	}
	slices.SortStableFunc(all, func(a, b likely) int { return cmp.Compare(b.score, a.score) })
	var out []int64
	for _, l := range all[:min(len(all), mostLikely)] {
		out = append(out, l.id)
	}
	return out
}

// Supported reports whether a reading of the machine supports a person's choice of
// an application: the sure digits of the number, or the name, agree with it and
// with nobody else on the list, and neither a digit nor the name contradicts. What
// the machine has not read, or has read of several alike, supports nobody.
func Supported(list []PrintedCertificate, r *PageReading, applicationID int64) bool {
	printed := printedFor(list, applicationID)
	if printed == nil || printed.Outdated || r.Several || contradicted(printed, r) {
		return false
	}
	return !namesAnother(r, applicationID) && !deniesName(r, applicationID) && (onlyNumber(list, r, applicationID) || onlyName(list, r, applicationID))
}

// namesAnother reports whether the name on the page agrees with another
// application and not with this one.
func namesAnother(r *PageReading, applicationID int64) bool {
	another := false
	for _, c := range r.Candidates {
		if !c.AgreesByName() {
			continue
		}
		if c.ApplicationID == applicationID {
			return false
		}
		another = true
	}
	return another
}

// deniesName reports whether the name on the page is not the application's, as far
// as they were compared.
func deniesName(r *PageReading, applicationID int64) bool {
	return slices.ContainsFunc(r.Candidates, func(c CandidateReading) bool {
		return c.ApplicationID == applicationID && c.DeniesName()
	})
}

// surely is how many digits of a number must be sure before they speak for
// anybody. Source: the product's owner.
const surely = 6

// onlyNumber reports whether the sure digits are the application's, and nobody
// else's.
func onlyNumber(list []PrintedCertificate, r *PageReading, applicationID int64) bool {
	return sureDigits(r) >= surely && onlyOne(list, applicationID, func(p *PrintedCertificate) bool {
		return numberAgrees(p, r.Number)
	})
}

// sureDigits counts the digits of the number that were read without doubt.
func sureDigits(r *PageReading) int {
	sure := 0
	for _, c := range r.Number {
		if c >= '0' && c <= '9' {
			sure++
		}
	}
	return sure
}

// onlyName reports whether the name is the application's, and nobody else's.
func onlyName(list []PrintedCertificate, r *PageReading, applicationID int64) bool {
	return onlyOne(list, applicationID, func(p *PrintedCertificate) bool {
		return slices.ContainsFunc(r.Candidates, func(c CandidateReading) bool {
			return c.ApplicationID == p.ApplicationID && c.AgreesByName()
		})
	})
}

// onlyOne reports whether the application is the only one of the list that agrees.
func onlyOne(list []PrintedCertificate, applicationID int64, agrees func(*PrintedCertificate) bool) bool {
	found := false
	for i := range list {
		if !agrees(&list[i]) {
			continue
		}
		if list[i].ApplicationID != applicationID {
			return false
		}
		found = true
	}
	return found
}

// contradicted reports whether a reader is sure of a digit that the printed number
// does not have. Where no number is known none contradicts.
func contradicted(p *PrintedCertificate, r *PageReading) bool {
	if len(p.Of(FieldRegistrationNumber)) == 0 {
		return false
	}
	for _, read := range []string{r.Number, r.NumberSecond} {
		if strings.ContainsAny(read, "0123456789") && !numberAgrees(p, read) {
			return true
		}
	}
	return false
}

// numberAgrees reports whether a number as it was read, '?' where it was not, can
// be the printed one.
func numberAgrees(p *PrintedCertificate, read string) bool {
	return slices.ContainsFunc(p.Of(FieldRegistrationNumber), func(l PrintedLine) bool {
		return agree(read, l.Text) == numbersAgree
	})
}

// printedFor is what was printed for an application, nil when it is not listed.
func printedFor(list []PrintedCertificate, applicationID int64) *PrintedCertificate {
	for i := range list {
		if list[i].ApplicationID == applicationID {
			return &list[i]
		}
	}
	return nil
}
