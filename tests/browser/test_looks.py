"""What the tests of looks find: each fault is planted in a page that has none."""

from tests.browser.conftest import Visitor

_PLANT = """() => {
  const main = document.querySelector("main");
  const add = (name, styles, text) => {
    const element = main.appendChild(document.createElement(name));
    element.textContent = text;
    Object.assign(element.style, styles);
  };
  add("img", {}, "");
  add("div", { overflow: "auto", height: "20px" }, "scrolled ".repeat(900));
  const onWhite = { background: "#fff", color: "#949494" };
  add("p", onWhite, "small");
  add("p", { ...onWhite, fontSize: "24px" }, "large");
  add("p", { background: "#fff", color: "#000", opacity: 0.4 }, "translucent");
  add("p", { background: "light-dark(#fff, #555)", color: "#000", colorScheme: "light dark" }, "dark");
  add("p", { visibility: "hidden", ...onWhite }, "hidden");
}"""


def test_faint_text_what_no_key_scrolls_and_unnamed_images_are_found(visitor: Visitor) -> None:
    page = visitor.open("/login")
    assert visitor.problems_in_both_looks() == []
    page.evaluate(_PLANT)
    problems = visitor.problems_in_both_looks()
    found = [
        word for problem in problems for word in ("small", "large", "translucent", "hidden") if f">{word}<" in problem
    ]
    assert set(found) == {"small", "translucent"}, problems
    assert [problem.partition(":")[0] for problem in problems if ">dark<" in problem] == ["dark on a phone"]
    for look in ("light and wide", "dark on a phone"):
        for rule in ("color-contrast", "image-alt", "scrollable-region-focusable"):
            assert any(problem.startswith(f"{look}: {rule}: ") for problem in problems), (look, rule)
