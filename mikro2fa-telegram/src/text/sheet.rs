//! A message's layout: two lines for the lock screen, and what comes below.

use super::html::Html;

/// A message in the making. Line 1 says what, in bold; line 2 from where and when; details follow after an empty line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Line 1.
    pub title: Html,
    /// Line 2.
    pub place: Html,
    /// More lines directly below.
    pub lines: Vec<Html>,
    /// Lines right before the body.
    pub remarks: Vec<Html>,
    /// What follows after an empty line.
    pub body: Html,
    /// More lines right after the body.
    pub closing: Vec<Html>,
}

impl Sheet {
    /// The whole message.
    pub fn html(&self) -> Html {
        let title = self.title.clone().bold();
        let head = Html::join([&title, &self.place].into_iter().chain(&self.lines), "\n");
        let rest = Html::join(
            self.remarks.iter().chain([&self.body]).chain(&self.closing),
            "\n",
        );
        Html::join([&head, &rest], "\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_leaves_no_gap() {
        let mut sheet = Sheet {
            title: Html::text("a"),
            ..Sheet::default()
        };
        assert_eq!(sheet.html().as_str(), "<b>a</b>");
        sheet.closing.push(Html::text("z"));
        assert_eq!(sheet.html().as_str(), "<b>a</b>\n\nz");
        sheet.place = Html::text("b");
        sheet.lines.push(Html::text("c"));
        sheet.remarks.push(Html::text("d"));
        sheet.body = Html::text("e");
        assert_eq!(sheet.html().as_str(), "<b>a</b>\nb\nc\n\nd\ne\nz");
    }
}
