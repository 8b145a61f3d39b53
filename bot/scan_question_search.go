package bot

import (
	"context"

	"flowbot/service"
)

// ownerForm is a search for whose certificate a page is.
type ownerForm struct {
	PageID   int64
	Revision int
	Find     string
	Page     int
}

// findView is what the search shows.
type findView struct {
	questionScreen
	Find string
	Page int
	More bool
	Any  bool
}

// findOwner looks for the application of a page. What is found stands under the
// picture; a text is another search, until one is chosen.
var findOwner = Wizard[ownerForm]{
	Name: "scan_question_find", Brief: true,
	Steps: []Step[ownerForm]{{
		Name: "words",
		Ask:  askOwner,
		Take: func(_ context.Context, _ *Bot, t *Turn, f *ownerForm) (Outcome, error) {
			switch {
			case t.Press != nil && t.Press.Do == pressPage && !t.typed && f.Find != "":
				f.Page = pageOf(t.Press.ID)
				return stay, nil
			case !wrote(t) || units(t.Text) > maxFind:
				return stay, unexpected(t)
			}
			f.Find, f.Page = t.Text, 0
			return stay, nil
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *ownerForm) (Reply, error) {
		return b.pageCard(ctx, t, f.PageID)
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *ownerForm) (Reply, error) {
		return b.pageCard(ctx, t, f.PageID)
	},
}

// askOwner asks what to look for, or shows what was found.
func askOwner(ctx context.Context, b *Bot, t *Turn, f *ownerForm) (Reply, error) {
	v, err := b.Questions.Question(ctx, t.By, f.PageID)
	if err != nil {
		return Reply{}, err
	}
	shown := findView{questionScreen: b.screenOf(t, v), Find: f.Find, Page: f.Page}
	r := Reply{Text: "question_find"}
	if f.Find != "" {
		found, err := b.Questions.Search(ctx, t.By, f.PageID, f.Find, f.Page*pageSize, pageSize)
		if err != nil {
			return Reply{}, err
		}
		shown.More, shown.Any = found.More, len(found.Items) > 0
		owners := ownerViews(found.Items)
		for i := range found.Items {
			c := questionChoice{page: f.PageID, application: found.Items[i].ID, revision: f.Revision}
			r.Rows = append(r.Rows, row(Button{Args: owners[i], Press: c.press(pressChoose)}))
		}
		r.Rows = append(r.Rows, turnPages(f.Page, found.More, func(p int) Press { return t.inTalk(pressPage, int64(p)) })...)
	}
	r.Data = shown
	r.Rows = append(r.Rows, row(Button{Label: "question_back", Press: Press{pressQuestion, f.PageID, 0}}))
	r.Photo = b.pagePicture(ctx, t, f.PageID, 0, false)
	return b.inPlace(t, r), nil
}

// otherPressed looks for somebody whom the machine did not think of.
func (b *Bot) otherPressed(ctx context.Context, t *Turn) (Reply, error) {
	if err := b.Questions.Offered(ctx, t.By, t.Press.ID, t.Press.Version); err != nil {
		return Reply{}, err
	}
	return b.begin(ctx, t, findOwner, ownerForm{PageID: t.Press.ID, Revision: t.Press.Version})
}

// pagesView is a list of the pages of a batch.
type pagesView struct {
	*service.BatchPages
	Page int
	Zone string
}

// pagesPressed lists the pages of a batch that were set aside.
func (b *Bot) pagesPressed(ctx context.Context, t *Turn) (Reply, error) {
	r, err := b.pageList(ctx, t, t.Press.ID, pageOf(int64(t.Press.Version)-1))
	if t.Press.Version == 0 {
		r.Edit = false // it is opened under reports that must stay
	}
	return r, err
}

func (b *Bot) pageList(ctx context.Context, t *Turn, batchID int64, page int) (Reply, error) {
	list, err := b.Questions.Pages(ctx, t.By, batchID, []service.PageState{service.PageAside}, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	if len(list.Pages) == 0 && page > 0 { // there are fewer now
		return b.pageList(ctx, t, batchID, 0)
	}
	r := Reply{Text: "pages_aside", Data: pagesView{list, page, t.By.Zone}}
	for i := range list.Pages {
		l := &list.Pages[i]
		l.File, l.Name = shortened(l.File, shownName), shortened(l.Name, shownName)
		r.Rows = append(r.Rows, row(Button{Label: "page_item", Args: l, Press: Press{pressQuestion, l.ID, 0}}))
	}
	r.Rows = append(r.Rows, turnPages(page, (page+1)*pageSize < list.Count, func(p int) Press { return Press{pressPages, batchID, p + 1} })...)
	menu := Button{Press: Press{Do: pressMenu}}
	if list.Exam != nil {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, list.Exam.ID, 0}, Args: list.Exam.Number}, menu))
	} else {
		r.Rows = append(r.Rows, row(menu))
	}
	r = b.inPlace(t, r)
	r.Name = ""
	return r, nil
}
