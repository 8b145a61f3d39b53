package main

import (
	"context"
	"slices"

	"flowbot/service"
)

// The shapes of what scans came from: what is not there is null.
type (
	shownReading struct {
		Located      bool     `json:"located"`       // the frame of the blank was found
		Turn         int      `json:"turn"`          // degrees clockwise by which the page must be turned
		Dots         float64  `json:"dots"`          // an inch, 0 where no blank tells
		Number       *string  `json:"number"`        // registration number, '?' where a digit is not sure
		NumberSecond *string  `json:"number_second"` // as the second reader has it, asked where the first is unsure
		Name         *float64 `json:"name"`          // how well it agrees with the application's, from -1 to 1
		NameLatin    *float64 `json:"name_latin"`    // the same
		BlankCode    *string  `json:"blank_code"`    // number of the blank by its bar code
		BlankDigits  *string  `json:"blank_digits"`  // the same by its digits
		BlankSeries  *string  `json:"blank_series"`
	}
	shownPage struct {
		Page        int64             `json:"page"`
		Batch       int64             `json:"batch"`
		File        string            `json:"file"`   // as the sender called it
		Entry       *string           `json:"entry"`  // of an archive
		Number      int               `json:"number"` // in its file, from 1
		State       service.PageState `json:"state"`
		Rule        service.MatchRule `json:"rule"`        // why it is in its state
		Application *string           `json:"application"` // whose certificate it is, or seems to be
		Named       *string           `json:"named"`       // as whose its file or entry is called
		Twin        *int64            `json:"twin"`        // the page that it repeats or contradicts
		SHA256      *string           `json:"sha256"`      // as it was taken out of its file
		ReadAt      *string           `json:"read_at"`
		Program     *string           `json:"program"` // version that read it
		Reading     *shownReading     `json:"reading"`
		DecidedAt   *string           `json:"decided_at"`
		DecidedBy   *shownName        `json:"decided_by"` // null: the program itself

		scan int64 // that it became, 0: none
	}
)

// mostShownPages is more than an exam gathers.
const mostShownPages = 100_000

// showPages shows every page that was sent for an exam, file by file.
func (i *installation) showPages(ctx context.Context, examID int64, list []service.Application) ([]shownPage, error) {
	numbers := make(map[int64]string, len(list))
	for k := range list {
		numbers[list[k].ID] = list[k].Number
	}
	pages, err := i.db.PagesOfExam(ctx, examID, mostShownPages)
	if err != nil {
		return nil, err
	}
	number := func(id int64) (*string, error) {
		if id != 0 && numbers[id] == "" { // of another exam
			a, err := i.db.Application(ctx, service.CommandLine, id)
			if err != nil {
				return nil, err
			}
			numbers[id] = a.Number
		}
		return present(numbers[id]), nil
	}
	files := map[int64]*service.ScanFile{}
	out := []shownPage{}
	for k := range pages {
		p := &pages[k]
		if files[p.FileID] == nil {
			if files[p.FileID], err = i.db.ScanFile(ctx, p.FileID); err != nil {
				return nil, err
			}
		}
		s, err := i.showPage(ctx, p)
		if err != nil {
			return nil, err
		}
		s.File = files[p.FileID].Name
		if s.Application, err = number(p.ApplicationID); err != nil {
			return nil, err
		}
		if s.Named, err = number(p.NamedID); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (i *installation) showPage(ctx context.Context, p *service.ScanPage) (shownPage, error) {
	s := shownPage{
		Page: p.ID, Batch: p.BatchID, Entry: present(p.Name), Number: p.Number, State: p.State, Rule: p.Rule,
		Twin: present(p.TwinID), SHA256: present(p.SHA), Program: present(p.Program), scan: p.ScanID,
	}
	if p.ReadAt != nil {
		s.ReadAt = present(instant(*p.ReadAt))
	}
	if p.DecidedAt != nil {
		s.DecidedAt = present(instant(*p.DecidedAt))
	}
	var err error
	if s.DecidedBy, err = i.person(ctx, p.DecidedBy); err != nil {
		return s, err
	}
	r, err := p.ReadingOf()
	if err != nil || r == nil {
		return s, err
	}
	s.Reading = &shownReading{
		Located: r.Located, Turn: r.Turn, Dots: r.Resolution, Number: present(r.Number), NumberSecond: present(r.NumberSecond),
		BlankCode: present(r.BlankCode), BlankDigits: present(r.BlankDigits), BlankSeries: present(r.BlankSeries),
	}
	at := slices.IndexFunc(r.Candidates, func(c service.CandidateReading) bool { return c.ApplicationID == p.ApplicationID })
	if at >= 0 {
		s.Reading.Name, s.Reading.NameLatin = &r.Candidates[at].Name, &r.Candidates[at].Latin
	}
	return s, nil
}

// evidenceOf finds, by scan, the pages that became scans.
func evidenceOf(pages []shownPage) map[int64]*shownPage {
	out := make(map[int64]*shownPage, len(pages))
	for k := range pages {
		if pages[k].scan != 0 {
			out[pages[k].scan] = &pages[k]
		}
	}
	return out
}
