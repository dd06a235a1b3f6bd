foreach(source
    structure_chance.cpp
    structure_common_cause.cpp
    structure_cut_sets.cpp
    structure_diagram.cpp
    structure_event_trees.cpp
    structure_expression.cpp
    structure_fault_tree.cpp
    structure_importance.cpp
    structure_published.cpp
    structure_system_times.cpp)
  perdure_test(${source} PARTS availability LABELS core)
endforeach()
