  // Every (row, column) once and in order: the address is the number of the step, and tells row and column.
  logic f_old = 1'b0;
  logic [31:0] f_step_q;  // steps of the job that are done
  logic f_skip_q;         // a job keeps its mode
  logic f_job, f_last;
  assign f_job = f_step_q != 0;
  assign f_last = f_step_q == (skip_columns_i ? RowGroups : Groups) - 1;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) f_step_q <= '0;
    else if (step_i) begin
      f_skip_q <= skip_columns_i;
      f_step_q <= f_last ? '0 : f_step_q + 1;
    end
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_job) assume (skip_columns_i == f_skip_q);
    if (f_old) begin
      in_range: assert (32'(row_o) < RowGroups && 32'(column_o) < ColumnGroups);
      number: assert (32'(address_o) == f_step_q);
      place: assert (f_step_q == (f_job && f_skip_q ? 32'(row_o) : 32'(row_o) * ColumnGroups + 32'(column_o)));
      if (f_job && f_skip_q) skipped: assert (column_o == '0);
      flags: assert (last_column_q == (32'(column_o) == ColumnGroups - 1) && last_row_o == (32'(row_o) == RowGroups - 1));
      first: assert (first_column_o == (column_o == '0));
      last: assert ((last_column_o && last_row_o) == f_last);
    end
  end
