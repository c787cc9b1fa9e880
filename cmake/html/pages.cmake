# cmake -DPAGES=FOLDER -DOUTPUT=FOLDER -P pages.cmake: the manual pages as HTML, with links to each other and an index.
# A page of another program is linked to Debian's pages.
file(GLOB pages ${PAGES}/*.[1-9])
file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})
file(COPY ${CMAKE_CURRENT_LIST_DIR}/style.css DESTINATION ${OUTPUT})
set(rows)
foreach(page IN LISTS pages)
  get_filename_component(name ${page} NAME)
  execute_process(
    COMMAND mandoc -T html -O style=style.css,toc -O "man=%N.%S.html\;https://manpages.debian.org/%N.%S" ${page}
    WORKING_DIRECTORY ${PAGES}  # the first form of a link is for what is here
    OUTPUT_FILE ${OUTPUT}/${name}.html COMMAND_ERROR_IS_FATAL ANY)
  file(STRINGS ${page} what REGEX "^\\.Nd " LIMIT_COUNT 1)
  string(REGEX REPLACE "^\\.Nd " "" what "${what}")
  string(REGEX REPLACE "^(.*)\\.([0-9])$" "\\1(\\2)" title ${name})
  string(APPEND rows "<tr><td><a href=\"${name}.html\">${title}</a></td><td>${what}</td></tr>\n")
endforeach()
file(WRITE ${OUTPUT}/index.html "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\"/>
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1.0\"/>
<link rel=\"stylesheet\" href=\"style.css\" type=\"text/css\"/>
<title>sockx</title>
</head>
<body>
<h1>sockx</h1>
<p>The manual pages. Begin with <a href=\"sockx.1.html\">sockx(1)</a>.</p>
<table>
${rows}</table>
</body>
</html>
")
