  // What lies between two TLASTs is a frame: whole if it has the right number of beats, else broken, once.  After a
  // flush in a frame the rest of it is dropped.
  logic f_old = 1'b0;
  logic [31:0] f_count_q, f_size;  // beats of the frame before this one, at most those of a whole one
  logic f_load_q, f_load, f_ends, f_broken, f_event_q;
  assign f_load = (LoadBeats > 0) && ((f_count_q == 0) ? beat_load_i : f_load_q);
  assign f_size = f_load ? LoadBeats : Beats;
  assign f_ends = Check ? beat_last_i : f_count_q == f_size - 1;
  assign f_broken = Check && (beat_last_i ? f_count_q < f_size - 1 : f_count_q == f_size - 1);
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) begin
      f_count_q <= 0;
      f_load_q <= 1'b0;
      f_event_q <= 1'b0;
    end else begin
      if (flush_i) f_count_q <= (f_count_q == 0) ? 0 : f_size;
      else if (beat_valid_i && (ready_i || f_count_q == f_size)) begin
        f_load_q <= f_load;
        f_count_q <= f_ends ? 0 : (f_count_q == f_size) ? f_count_q : f_count_q + 1;
      end
      f_event_q <= (f_event_q && !event_clear_i) || (beat_valid_i && ready_i && f_broken && !flush_i);
    end
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (!Check) assume (!flush_i);  // no guard without frames
    if (f_old) begin
      passes: assert (valid_o == (beat_valid_i && f_count_q < f_size && !flush_i));
      accepts: assert (beat_ready_o == ((ready_i || f_count_q == f_size) && !flush_i));
      reports: assert (event_frame_o == f_event_q);
      if (valid_o) begin
        place: assert (32'(index_o) == f_count_q);
        kind: assert (load_o == f_load);
        is_whole: assert (whole_o == (f_ends && f_count_q == f_size - 1));
        is_broken: assert (broken_o == f_broken);
      end
      if (!Check) counts: assert (!dropping_q && !event_q);
      drops: assert (dropping_q == (f_count_q != 0 && f_count_q == f_size));
      in_range: assert (f_count_q <= f_size && (dropping_q ? index_q == '0 : 32'(index_q) == f_count_q));
      if (f_count_q != 0 && !dropping_q) kept: assert (load_q == f_load_q);
    end
  end
